// Drives the parking of descriptors without Node: threads park duplicates of sockets of their own and put the tickets where all take
// them; two at once try to claim or drop each, some are lost on the way, and another thread buries what nobody has heard of. Each
// ticket must go to one alone, with the descriptor that was parked, and at the end no descriptor may be left.
//
//   parking-stress [TICKETS=20000] [SEED=1]        exit code 0 where all is well
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "loopback.h"
#include "parking.h"

namespace {

using relay::Parking;

constexpr int kThreads = 3;
/** So many tickets wait to be taken at most. */
constexpr size_t kWaiting = 64;

std::atomic<int> faults{0};

void expect(bool holds, const char* what) {
  if (!holds && ++faults < 20) std::fprintf(stderr, "fault: %s\n", what);
}

ino_t inode_of(int fd) {
  struct stat told{};
  return fstat(fd, &told) == 0 ? told.st_ino : 0;
}

/** A ticket, of what, and how many of the two that try for it are still to come. */
struct Ticket {
  uint64_t number;
  ino_t inode;
  int tries = 2;
};

/** Where tickets lie, as messages between threads do. */
class Board {
 public:
  bool put(const Ticket& ticket) {
    std::lock_guard<std::mutex> guard(mutex_);
    if (tickets_.size() >= kWaiting) return false;
    tickets_.push_back(ticket);
    return true;
  }
  /** Any of them. It stays for the second who tries. */
  bool take(uint64_t random, Ticket& ticket) {
    std::lock_guard<std::mutex> guard(mutex_);
    if (tickets_.empty()) return false;
    Ticket& at = tickets_[random % tickets_.size()];
    ticket = at;
    if (--at.tries > 0) return true;
    at = tickets_.back();
    tickets_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<Ticket> tickets_;
};

std::atomic<uint64_t> parked{0};
std::atomic<uint64_t> had{0};

void drive(Parking& parking, Board& board, int tickets, uint32_t self, uint64_t seed) {
  std::mt19937_64 random(seed);
  const int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const ino_t inode = inode_of(own);
  uint64_t last = 0;
  for (int made = 0; made < tickets;) {
    if (random() % 2 == 0) {
      const uint64_t number = parking.park(own, self, 7);
      expect(number > last, "tickets of a thread grow");
      last = number;
      parked++;
      made++;
      if (random() % 20 == 0) continue;
      if (random() % 2 == 0) parking.heard(number);
      if (!board.put({number, inode})) had += parking.drop(number) ? 1 : 0;
    }
    Ticket ticket{};
    if (!board.take(random(), ticket)) continue;
    if (random() % 4 == 0) {
      had += parking.drop(ticket.number) ? 1 : 0;
      continue;
    }
    const int fd = parking.claim(ticket.number);
    if (fd < 0) continue;
    had++;
    expect(inode_of(fd) == ticket.inode, "another descriptor than was parked");
    close(fd);
    expect(parking.claim(ticket.number) < 0 && !parking.drop(ticket.number), "a ticket is good twice");
  }
  expect(parking.park(-1, self, 7) == 0 && parking.claim(0) < 0 && !parking.drop(~0ull), "what is none is taken");
  close(own);
}

}  // namespace

int main(int count, char** values) {
  const int tickets = count > 1 ? std::atoi(values[1]) : 20'000;
  const uint64_t seed = count > 2 ? std::strtoull(values[2], nullptr, 10) : 1;
  const int before = descriptors();
  Parking parking;
  Board board;
  uint64_t buried = 0;
  const auto bury = [&] {
    for (uint32_t thread = 0; thread < kThreads; thread++) buried += parking.bury(thread).size();
  };
  std::atomic<bool> ends{false};
  std::thread burier([&] {
    for (; !ends; usleep(1000)) bury();
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++)
    threads.emplace_back([&, i] { drive(parking, board, tickets / kThreads, static_cast<uint32_t>(i), seed * 1000 + static_cast<uint64_t>(i)); });
  for (std::thread& thread : threads) thread.join();
  ends = true;
  burier.join();
  for (Ticket left{}; board.take(0, left);) had += parking.drop(left.number) ? 1 : 0;
  bury();
  const uint64_t known = parking.park(0, 8, 9);
  parking.heard(known);
  expect(known > 0 && parking.bury(8).empty() && parking.drop(known), "what somebody has heard of stays");
  const uint64_t unknown = parking.park(0, 8, 9);
  expect(unknown > 0 && parking.bury(8) == std::vector<uint32_t>{9} && !parking.drop(unknown), "what nobody has heard of goes");
  expect(parked == had + buried, "a ticket is had by one, or buried");
  expect(buried > 0 && had > 0, "both happen");
  expect(descriptors() == before, "descriptors are left");
  std::printf("%llu parked, %llu had, %llu buried\n", static_cast<unsigned long long>(parked), static_cast<unsigned long long>(had),
              static_cast<unsigned long long>(buried));
  return faults == 0 ? 0 : 1;
}
