// A bitwise trie through its nodes: insertion, removal and "the least key not below" in as many steps as a key has bits.
#pragma once

#include <zmm/base/checks.hpp>

#include <cstddef>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Each node stands for one key. The nodes below child[b] of a node have the same bits as that node above its level,
/// and at that level the bit b. A node knows its parent. Access has
/// Invariants: a node below child[0] has a lower key than one below child[1] of the same node; no two keys are equal.
template <class Node, class Access> class bit_trie {
public:
  /// Effects: inserts `n`, unless there is a node of its key. Returns: the node of that key. `bit`: the highest bit in
  /// which keys differ.
  static Node* insert(Node*& root, Node* n, std::size_t bit, Access access) noexcept {
    n->child[0] = n->child[1] = nullptr;
    n->parent = nullptr;
    if (root == nullptr) return root = n;
    std::size_t const key = access.key(n);
    for (Node* at = access.follow(root);; bit >>= 1) {
      if (access.key(at) == key) return at;
      Node*& next = at->child[(key & bit) != 0];
      if (next == nullptr) {
        n->parent = at;
        return next = n;
      }
      at = access.follow(next);
    }
  }

  /// Effects: removes `n`; a leaf from below takes its place.
  static void remove(Node*& root, Node* n, Access access) noexcept {
    Node* leaf = n;
    while (Node* const below = leaf->child[1] != nullptr ? leaf->child[1] : leaf->child[0]) leaf = access.follow(below);
    if (leaf == n) {
      link_to(root, n, access) = nullptr;
    } else {
      link_to(root, leaf, access) = nullptr;
      replace(root, n, leaf, access);
    }
  }
  /// Effects: `by`, which is not in the trie, takes the place of `n`.
  static void replace(Node*& root, Node* n, Node* by, Access access) noexcept {
    link_to(root, n, access) = by;
    by->parent = n->parent;
    for (std::size_t i = 0; i < 2; ++i) {
      by->child[i] = access.follow(n->child[i]);
      if (by->child[i] != nullptr) by->child[i]->parent = by;
    }
  }

  /// The node of the least key that is not below `key`; null if there is none.
  static Node* lower_bound(Node* root, std::size_t key, std::size_t bit, Access access) noexcept {
    Node* best = nullptr;
    Node* untried = nullptr;  // the deepest child[1] that was passed by: the lowest keys above those on the way
    std::size_t best_key = 0;
    auto const look = [&](Node* at) {
      std::size_t const k = access.key(at);
      if (k < key || (best != nullptr && k >= best_key)) return;
      best = at;
      best_key = k;
    };
    for (Node* at = access.follow(root); at != nullptr; bit >>= 1) {
      look(at);
      if (best_key == key && best != nullptr) return best;
      bool const is_set = (key & bit) != 0;
      if (!is_set && at->child[1] != nullptr) untried = at->child[1];
      at = access.follow(at->child[is_set]);
    }
    for (Node* at = access.follow(untried); at != nullptr;) {
      look(at);
      at = access.follow(at->child[0] != nullptr ? at->child[0] : at->child[1]);
    }
    return best;
  }

  /// Effects: calls visit(node) for each. Complexity: linear.
  template <class Visit> static void for_each(Node* root, Access access, Visit visit) {
    for (Node* at = root; at != nullptr;) {
      visit(*at);
      Node* next = at->child[0] != nullptr ? at->child[0] : at->child[1];
      while (next == nullptr && at != nullptr) {
        Node* const above = at->parent;
        if (above != nullptr && above->child[1] != at) next = above->child[1];
        at = above;
      }
      at = access.follow(next);
    }
  }

private:
  /// The link that leads to `n`. Stops if none does: the heap is corrupted.
  static Node*& link_to(Node*& root, Node* n, Access access) noexcept {
    Node* const above = access.follow(n->parent);
    Node*& link = above == nullptr ? root : above->child[above->child[1] == n];
    check(link == n, "the links of a trie lead to its nodes", n);
    return link;
  }
};

}}}  // namespace zmm::detail
