#include "server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace shop {

namespace {

constexpr std::chrono::seconds drain_time{5};
constexpr std::chrono::milliseconds accept_pause{50};

}  // namespace

/// A thread, its event loop, its memory and its connections.
class server::worker {
public:
  worker(server_options const& options, service const& from, statistics& remembered)
      : memory_(options.arena, options.memory_limit), host_{memory_, from, options.limits, remembered, {}, {}} {}

  boost::asio::io_context& context() noexcept { return context_; }

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

  /// From any thread.
  void adopt(session::socket accepted) {
    boost::asio::post(context_, [this, accepted = std::move(accepted)]() mutable {
      if (!stopping_) std::make_shared<session>(std::move(accepted), host_)->run();
    });
  }

  /// From any thread. The loop ends with the last connection, or at the deadline.
  void stop() {
    boost::asio::post(context_, [this] {
      if (stopping_) return;
      stopping_ = true;
      guard_.reset();
      auto const open = host_.open;  // a session that ends leaves the set
      if (open.empty()) return;
      host_.on_last_end = [this] { deadline_.cancel(); };
      deadline_.expires_after(drain_time);
      deadline_.async_wait([this](boost::system::error_code cancelled) {
        host_.on_last_end = nullptr;
        if (!cancelled) context_.stop();
      });
      for (session* s : open) s->stop();
    });
  }

private:
  /// An exception that leaves a handler ends its connection only.
  void run() {
    for (;;) {
      try {
        context_.run();
        return;
      } catch (std::exception const&) {}
    }
  }

  worker_memory memory_;
  session_host host_;
  boost::asio::io_context context_{1};  // after what its sessions use: they end with it
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context_.get_executor()};
  boost::asio::steady_timer deadline_{context_};
  bool stopping_ = false;
  std::thread thread_;
};

server::server(server_options const& options, content const& loaded)
    : remembered_(options.arena),
      service_{loaded, &remembered_},
      workers_(std::max(1U, options.threads)),
      acceptor_(first_context(options)),
      pause_(acceptor_.get_executor()) {
  tcp::endpoint const local{boost::asio::ip::address_v4::loopback(), options.port};
  acceptor_.open(local.protocol());
  acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
  acceptor_.bind(local);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
  accept();
  for (auto& w : workers_) w->start();
}

boost::asio::io_context& server::first_context(server_options const& options) {
  for (auto& w : workers_) w = std::make_unique<worker>(options, service_, remembered_);
  return workers_.front()->context();
}

server::~server() {
  stop();
  for (auto& w : workers_) w->join();
}

void server::stop() {
  boost::asio::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  });
  for (auto& w : workers_) w->stop();
}

void server::accept() {
  worker& next = *workers_[next_++ % workers_.size()];
  acceptor_.async_accept(next.context(), [this, &next](boost::system::error_code error, session::socket accepted) {
    if (!acceptor_.is_open()) return;
    if (!error) {
      next.adopt(std::move(accepted));
      return accept();
    }
    // Most likely there is no descriptor left: trying again at once would only use up processor time.
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
  });
}

}  // namespace shop
