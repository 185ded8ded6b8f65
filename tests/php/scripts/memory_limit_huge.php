<?php
// The same in one step, and in a callback of the library's.
ini_set('display_errors', '1');
ini_set('html_errors', '0');
register_shutdown_function(function () { echo "the end\ndone\n"; });
echo strlen(str_repeat('a', 9 << 20)), "\n";
array_map(function ($n) { return str_repeat('b', $n); }, [1 << 10, 1 << 20, 64 << 20]);
echo "not reached\n";
