<?php
// Strings: appended to byte by byte, repeated to pages and to megabytes, cut, replaced, joined.
$text = '';
for ($i = 0; $i < 100000; ++$i) $text .= chr(97 + $i % 26);
echo strlen($text), ' ', md5($text), "\n";
$long = str_repeat($text, 40);
echo strlen($long), ' ', crc32($long), "\n";
$long = substr($long, 5, 3000000);
echo strlen($long), ' ', crc32(strrev($long)), "\n";
unset($long);
$words = explode('a', $text);
echo count($words), ' ', strlen(implode('--', $words)), ' ', ucwords(str_replace('bcd', ' x ', substr($text, 0, 80))), "\n";
for ($size = 1; $size < 5000; $size += 13) $pieces[] = str_pad('', $size, 'ab') . "\0" . $size;
usort($pieces, fn($a, $b) => strlen($b) <=> strlen($a));
echo strlen($pieces[0]), ' ', md5(implode("\0", $pieces)), ' ', sprintf('%05d|%-8s|%x', 42, 'left', 48879), "\n";
echo "done\n";
