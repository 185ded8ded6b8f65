<?php
// Recursion: deep frames, wide trees, mutual calls, permutations.
function depth(int $n, array $held): int { return $n == 0 ? count($held) : 1 + depth($n - 1, [...array_slice($held, -3), $n]); }
echo depth(20000, []), "\n";
function ackermann(int $m, int $n): int { return $m == 0 ? $n + 1 : ($n == 0 ? ackermann($m - 1, 1) : ackermann($m - 1, ackermann($m, $n - 1))); }
echo ackermann(2, 300), "\n";
function permutations(array $items): Generator {
    if (count($items) < 2) { yield $items; return; }
    foreach ($items as $i => $item) { $rest = $items; unset($rest[$i]); foreach (permutations($rest) as $p) yield [$item, ...$p]; }
}
$n = 0; $hash = 0;
foreach (permutations(range(1, 7)) as $p) { ++$n; $hash = ($hash * 31 + crc32(implode('', $p))) % 1000000007; }
echo "$n $hash\n";
function tree(int $depth): array { return $depth == 0 ? [] : [tree($depth - 1), tree($depth - 1), 'depth' => $depth]; }
echo count(tree(13), COUNT_RECURSIVE), "\n";
$fiber = new Fiber(function () { for ($i = 0; $i < 1000; ++$i) $got[] = Fiber::suspend(str_repeat('f', $i)); return count($got); });
$fiber->start();
while (!$fiber->isTerminated()) $fiber->resume('r');
echo $fiber->getReturn(), "\ndone\n";
