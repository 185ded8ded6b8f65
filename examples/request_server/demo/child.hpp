// A program that runs beside this one.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace shop {

/// Runs a program with its standard output in a pipe. The destructor kills it if it still runs.
class child {
public:
  /// Throws std::system_error when it cannot be started.
  explicit child(std::vector<std::string> const& command);
  ~child();
  child(child const&) = delete;
  child& operator=(child const&) = delete;

  std::string read_line();  ///< up to the next newline, or the end of the output
  std::string read_all();

  double peak_rss_mib() const;  ///< while it runs

  void signal(int) noexcept;
  int wait();  ///< its exit status; 128 + the signal's number when one ended it

private:
  pid_t id_ = -1;
  int output_ = -1;
};

}  // namespace shop
