// What a subject is.
//
//   static constexpr char const* name     its name in every table
//   static bool available()               false: not on this machine; questions skip it with a line that says so
//   S{}                                   a new allocator, if the library has allocator objects; else the process-wide one
//   void* allocate(n, a)                  the library's shortest way; a virtual call for pmr subjects, a call for the others
//   void  deallocate(p, n, a)
//   void  end()                           optional: frees everything allocated from this subject (the end of a request)
//   R*    resource()                      pmr subjects only: the std::pmr::memory_resource
//
// Subjects that do not serve every alignment say so by max_alignment; 0 stands for "any".
#pragma once

#include <cstddef>
#include <memory_resource>
#include <type_traits>
#include <utility>

#include "../support/keep.hpp"

namespace bench {

template <class S, class = void> inline constexpr bool has_end = false;
template <class S> inline constexpr bool has_end<S, std::void_t<decltype(std::declval<S&>().end())>> = true;

template <class S, class = void> inline constexpr std::size_t max_alignment = 0;
template <class S>
inline constexpr std::size_t max_alignment<S, std::void_t<decltype(S::max_alignment)>> = S::max_alignment;

template <class S> constexpr bool can_align(std::size_t alignment) noexcept {
  return max_alignment<S> == 0 || alignment <= max_alignment<S>;
}

template <class S> void end_if_it_can(S& subject) noexcept {
  if constexpr (has_end<S>) subject.end();
}

// A resource of any type behind a pointer whose origin the compiler does not know: each operation is one virtual call.
// With `ends`, end() is the resource's release().
template <class Resource, bool ends> class behind_pmr {
public:
  behind_pmr() = default;
  behind_pmr(behind_pmr const&) = delete;
  behind_pmr& operator=(behind_pmr const&) = delete;
  ~behind_pmr() = default;

  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return base_->allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { base_->deallocate(p, n, a); }
  template <bool e = ends, class = std::enable_if_t<e>> void end() noexcept { own_.release(); }
  std::pmr::memory_resource* resource() noexcept { return base_; }
  Resource& own() noexcept { return own_; }

private:
  Resource own_;
  std::pmr::memory_resource* base_ = opaque<std::pmr::memory_resource>(&own_);
};

// A std::pmr face over any subject: the subject's own calls, inlined into the virtual function.
template <class Subject> class resource_over final : public std::pmr::memory_resource {
public:
  void release() noexcept { end_if_it_can(subject_); }
  Subject& subject() noexcept { return subject_; }

private:
  void* do_allocate(std::size_t n, std::size_t a) override { return subject_.allocate(n, a); }
  void do_deallocate(void* p, std::size_t n, std::size_t a) override { subject_.deallocate(p, n, a); }
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }
  Subject subject_;
};

template <class Subject> struct pmr_face : behind_pmr<resource_over<Subject>, has_end<Subject>> {
  static constexpr char const* name = Subject::name;
  static bool available() { return Subject::available(); }
};

}  // namespace bench
