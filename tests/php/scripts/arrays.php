<?php
// Arrays: lists and tables that grow, shrink, are copied when written to, and hold each other.
$list = [];
for ($i = 0; $i < 20000; ++$i) $list[] = $i * 7 % 1009;
$table = [];
foreach ($list as $i => $n) $table["key $n"] = ($table["key $n"] ?? 0) + $i;
$copy = $table;
$copy["key 5"] = 'changed';
echo count($list), ' ', count($table), ' ', $table["key 5"], ' ', $copy["key 5"], "\n";
echo array_sum(array_map(fn($n) => $n * 2, array_filter($list, fn($n) => $n % 3 == 0))), "\n";
for ($round = 0; $round < 50; ++$round) {
    $nested = [];
    for ($i = 0; $i < 100; ++$i) $nested[$i % 10][] = ["at" => $i, "of" => $round];
    if ($round % 10 == 0) echo count($nested), ' ', $nested[3][4]["at"], "\n";
}
while (count($list) > 10) array_splice($list, 1, (int) (count($list) / 2));
echo implode(',', $list), "\n", md5(serialize($copy)), "\n";
echo "done\n";
