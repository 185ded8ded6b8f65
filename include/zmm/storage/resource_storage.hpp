// Chunks from an upstream std::pmr::memory_resource. A header of its own, because <memory_resource> is a heavy one.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/storage/storage.hpp>

#include <memory_resource>

namespace zmm { inline namespace ZMM_ABI {

/// Takes blocks from `upstream`, which outlives it. Any exception of the upstream becomes "no memory": the heap then
/// throws std::bad_alloc, not what the upstream threw. Blocks are given back with the size and alignment they were taken
/// with. They cannot grow, shrink, be purged or moved, and there is no reserve and no guard page.
class resource_storage final : public storage {
public:
  explicit resource_storage(std::pmr::memory_resource* upstream) noexcept : upstream_(upstream) {}
  ~resource_storage() = default;

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t /*reserve*/) override {
    // An upstream may round a size up to its alignment and miss that it overflows, as libstdc++'s operator new does.
    if (bytes > ~std::size_t{0} / 2) return nullptr;
    std::size_t const usual = usual_alignment(bytes);
    if (alignment <= usual) {
      ZMM_TRY { return upstream_->allocate(bytes, usual); }
      ZMM_CATCH_ALL {
        if (alignment == usual) return nullptr;  // else it may have room at the lesser alignment
      }
    }
    ZMM_TRY { return allocate_noted(bytes, alignment); }
    ZMM_CATCH_ALL { return nullptr; }
  }

  void deallocate(void* block, std::size_t bytes, std::size_t /*reserve*/) noexcept override {
    std::size_t alignment = usual_alignment(bytes);
    for (note** link = &notes_; *link != nullptr; link = &(*link)->next) {
      if ((*link)->block != block) continue;
      note* const found = *link;
      alignment = found->alignment;
      *link = found->next;
      upstream_->deallocate(found, sizeof(note), alignof(note));
      break;
    }
    upstream_->deallocate(block, bytes, alignment);
  }

  std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

private:
  /// Notes a block whose alignment is not its size's usual_alignment(): a larger one was asked for, or the upstream had
  /// room only at a smaller one.
  struct note {
    note* next;
    void* block;
    std::size_t alignment;
  };

  /// An upstream's deallocate() takes an alignment, but a storage's has none to pass on. So the usual alignment follows
  /// from the size: the highest power of two in it, up to 2 MiB. That is enough for chunks up to 2 MiB, their huge blocks
  /// and tables.
  static constexpr std::size_t usual_alignment(std::size_t bytes) noexcept {
    std::size_t const highest = std::size_t{1} << detail::highest_bit(bytes);
    return highest < (std::size_t{2} << 20) ? highest : std::size_t{2} << 20;
  }

  void* allocate_noted(std::size_t bytes, std::size_t alignment) {
    void* const room = upstream_->allocate(sizeof(note), alignof(note));
    ZMM_TRY {
      void* const block = upstream_->allocate(bytes, alignment);
      notes_ = ::new (room) note{notes_, block, alignment};
      return block;
    }
    ZMM_CATCH_ALL {
      upstream_->deallocate(room, sizeof(note), alignof(note));
      return nullptr;
    }
  }

  std::pmr::memory_resource* upstream_;
  note* notes_ = nullptr;
};

}}  // namespace zmm
