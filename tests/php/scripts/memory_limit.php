<?php
// Takes small blocks until memory_limit ends it. What is registered for the end still runs, and there is memory again.
ini_set('display_errors', '1');
ini_set('html_errors', '0');
register_shutdown_function(function () {
    echo "the end: ", error_get_last()['type'], "\n";
    $GLOBALS['kept'] = null;
    $after = str_repeat('x', 1 << 20);
    echo strlen($after), "\ndone\n";
});
class Ended { public function __destruct() { echo "an object ends\n"; } }
$object = new Ended;
$kept = [];
try {
    for ($i = 0;; ++$i) $kept[] = "a text of some bytes, and number $i";
} finally {
    echo "not reached\n";
}
