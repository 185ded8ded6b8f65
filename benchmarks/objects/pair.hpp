// A shared object that contains the measured loop: allocation through std::pmr, with the subject given by number.
#pragma once

#include <cstddef>

extern "C" {
// Null: there is no subject of that number.
[[gnu::visibility("default")]] char const* pair_subject_name(std::size_t subject) noexcept;
[[gnu::visibility("default")]] void pair_subject_pairs(std::size_t subject, std::size_t bytes, std::size_t count);
}
