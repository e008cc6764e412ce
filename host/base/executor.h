#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace slipway {

// A fixed pool of named threads with one bounded queue. A task may block but must not throw.
class Executor {
 public:
  Executor(std::string name, size_t threads, size_t queue_limit);
  ~Executor();  // Drain()
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False when the queue is full or the pool drains; the caller then answers "later".
  bool Post(std::function<void()> task);
  // Refuses new tasks, runs the queued ones and joins the threads. Idempotent.
  void Drain();
  size_t queued() const;

 private:
  void Run();

  const std::string name_;
  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool draining_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace slipway
