<?php
// Objects: trees and cycles, destructors, generators, exceptions thrown through frames.
final class Node {
    public ?Node $left = null, $right = null;
    public array $tags = [];
    public function __construct(public int $key) {}
    public function insert(int $key): void {
        $side = $key < $this->key ? 'left' : 'right';
        if ($this->$side === null) { $this->$side = new Node($key); $this->$side->tags["made under"] = $this->key; }
        else $this->$side->insert($key);
    }
    public function walk(): Generator {
        if ($this->left) yield from $this->left->walk();
        yield $this->key => $this->tags;
        if ($this->right) yield from $this->right->walk();
    }
}
class Counted {
    public static int $ended = 0;
    public $self;
    public function __construct() { $this->self = $this; }
    public function __destruct() { ++self::$ended; }
}
$root = new Node(500);
for ($i = 1; $i < 2000; ++$i) $root->insert($i * 7919 % 2003);
$keys = [];
foreach ($root->walk() as $key => $tags) $keys[] = $key . ':' . ($tags["made under"] ?? '-');
echo count($keys), ' ', $keys[7], ' ', md5(implode(',', $keys)), "\n";
for ($i = 0; $i < 25000; ++$i) new Counted;
gc_collect_cycles();
echo Counted::$ended, "\n";
function thrower(int $depth) {
    $held = str_repeat('x', $depth);
    try {
        if ($depth == 0) throw new RuntimeException('from the bottom');
        thrower($depth - 1);
    } finally {
        $held .= 'y';
    }
}
try { thrower(200); } catch (RuntimeException $e) { echo get_class($e), ' ', $e->getMessage(), ' ', count($e->getTrace()), "\n"; }
$copy = clone $root;
echo $copy == $root ? 'equal' : 'different', ' ', spl_object_id($copy) == spl_object_id($root) ? 'same' : 'another', "\n";
echo "done\n";
