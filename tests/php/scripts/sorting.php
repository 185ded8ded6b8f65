<?php
// Sorting: numbers, strings, rows, stable and by several keys; heaps and queues of the standard library.
mt_srand(7);
for ($i = 0; $i < 10000; ++$i) $rows[] = ['n' => mt_rand(0, 999), 's' => substr(md5((string) $i), 0, 6), 'i' => $i];
usort($rows, fn($a, $b) => [$a['n'], $a['s']] <=> [$b['n'], $b['s']]);
echo $rows[0]['s'], ' ', $rows[9999]['s'], ' ', md5(serialize(array_column($rows, 'i'))), "\n";
$strings = array_column($rows, 's', 'i');
asort($strings);
echo array_key_first($strings), ' ', array_key_last($strings), "\n";
natsort($strings);
ksort($strings, SORT_STRING);
echo md5(implode(',', array_keys($strings))), "\n";
array_multisort(array_column($rows, 'n'), SORT_DESC, array_column($rows, 's'), SORT_ASC, $rows);
echo $rows[5]['s'], ' ', $rows[5]['n'], "\n";
$heap = new SplMinHeap;
foreach ($rows as $row) $heap->insert([$row['n'], $row['i']]);
$sum = 0;
for ($i = 0; $i < 5000; ++$i) $sum = ($sum * 31 + $heap->extract()[1]) % 1000003;
echo $sum, ' ', count($heap), "\ndone\n";
