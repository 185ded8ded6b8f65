<?php
// JSON: documents made, encoded, decoded both ways, refused.
$document = ['list' => range(1, 500), 'text' => "\u{e9}\"\\\n", 'none' => null, 'deep' => []];
$at = &$document['deep'];
for ($i = 0; $i < 100; ++$i) { $at['level'] = $i; $at['next'] = []; $at = &$at['next']; }
unset($at);
for ($i = 0; $i < 500; ++$i) $document['rows'][] = ['id' => $i, 'name' => "row number $i", 'share' => $i / 8, 'tags' => ['a' => $i % 2 == 0, 'b' => []]];
$text = json_encode($document, JSON_PRETTY_PRINT, 1000);
echo strlen($text), ' ', md5($text), "\n";
for ($round = 0; $round < 5; ++$round) $again = json_decode($text, true, 1000);
echo $again == $document ? 'equal' : 'different', ' ', $again['rows'][77]['name'], "\n";
$object = json_decode($text, false, 1000);
echo $object->rows[499]->share, ' ', $object->deep->next->next->level, "\n";
try { json_decode('{"a":[1,2', false, 512, JSON_THROW_ON_ERROR); } catch (JsonException $e) { echo $e->getMessage(), "\n"; }
echo "done\n";
