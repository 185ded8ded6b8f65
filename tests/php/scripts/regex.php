<?php
// Regular expressions: many matches, callbacks, splits, and one that is too hard.
$text = '';
for ($i = 0; $i < 3000; ++$i) $text .= "user$i@host" . ($i % 17) . ".example, +49 " . ($i * 7) . ";\n";
echo preg_match_all('/(?<name>\w+)@(?<host>[\w.]+), \+(\d+) (\d+);/', $text, $found), ' ', $found['host'][2999], ' ', array_sum($found[4]), "\n";
$changed = preg_replace_callback('/user(\d+)@/', fn($m) => strtoupper(dechex((int) $m[1])) . '#', $text);
echo strlen($changed), ' ', md5($changed), "\n";
$parts = preg_split('/[,;]\s*/', $text, -1, PREG_SPLIT_NO_EMPTY | PREG_SPLIT_OFFSET_CAPTURE);
echo count($parts), ' ', $parts[3001][0], ' ', $parts[3001][1], "\n";
for ($i = 1; $i < 300; ++$i) preg_match("/a{1,$i}b?$i/", "aaaaab$i", $m);
echo $m[0], "\n";
ini_set('pcre.jit', '0');
ini_set('pcre.backtrack_limit', '1000');
var_dump(preg_match('/(a+)+$/', str_repeat('a', 30) . 'b'));
echo preg_last_error_msg(), "\ndone\n";
