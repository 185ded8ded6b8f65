<?php
// Closures: what they hold, by value and by reference, curried, memoized, bound, static.
$adders = [];
for ($i = 0; $i < 5000; ++$i) { $text = str_repeat((string) $i, 5); $adders[] = function ($n) use ($i, $text) { return $n + $i + strlen($text); }; }
$sum = 0;
foreach ($adders as $adder) $sum += $adder(1);
echo $sum, "\n";
$counter = function () { static $n = 0; return ++$n; };
for ($i = 0; $i < 1000; ++$i) $last = $counter();
echo $last, "\n";
$memo = [];
$fib = function (int $n) use (&$fib, &$memo) { return $memo[$n] ??= $n < 2 ? $n : $fib($n - 1) + $fib($n - 2); };
echo $fib(80), ' ', count($memo), "\n";
$compose = fn(callable ...$f) => fn($x) => array_reduce($f, fn($v, $g) => $g($v), $x);
echo $compose('trim', 'strrev', fn($s) => "$s!", ...array_fill(0, 300, fn($s) => $s . '.'))('  abc  '), "\n";
class Box { private $held = 'secret'; }
echo Closure::bind(fn() => $this->held, new Box, Box::class)(), "\n";
echo "done\n";
