// Requests within requests: each part of a page has its own request, which counts in the page's limit and ends early.
#include <zmm/request_resource.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {
/// Builds 1000 rows, some 100 KiB, and keeps only the last one.
void add_part(zmm::request_resource& page, std::pmr::string& html) {
  zmm::request_resource scratch{zmm::within, page};
  std::pmr::vector<std::pmr::string> rows{&scratch};
  for (int i = 0; i < 1000; ++i) rows.emplace_back("<tr><td>a row that is too long to lie in the string itself");
  html += rows.back();
}  // the rows' memory goes back to the pool, for the next part

bool is_refused(zmm::request_resource& page, std::size_t bytes) {
  zmm::request_resource part{zmm::within, page};  // has no limit of its own
  try {
    (void)part.allocate(bytes);
    return false;
  } catch (zmm::memory_limit_exceeded const& e) { return e.limit() == page.limit(); }
}
}  // namespace

int main() {
  zmm::request_resource page;
  if (!page.set_limit(1 << 20)) return 1;
  {
    std::pmr::string html{&page};
    for (int i = 0; i < 100; ++i) add_part(page, html);
    std::printf("100 parts, %zu bytes of html\n", html.size());
  }
  std::printf("never more than the limit: %s\n", page.real_peak() <= page.limit() ? "yes" : "no");
  std::printf("a part of 2 MiB is refused: %s\n", is_refused(page, 2 << 20) ? "yes" : "no");
}

// prints: 100 parts, 5800 bytes of html
// prints: never more than the limit: yes
// prints: a part of 2 MiB is refused: yes
