// Drives the relay's core without Node. Random tunnels over loopback: content of a known pattern is checked octet by octet both
// ways, with half closes, resets, cuts of live and of stale handles, octets from before the hand-over, small socket buffers (so
// that pipes are held), allowances that are renewed and paces. Half of the descriptors are given away, by way of a poller as the
// gateway gives them, the others duplicated. At the end nothing may be left: no tunnel, record, descriptor.
//
//   relay-stress [TUNNELS=20000] [PIPES=8] [SEED=1]        exit code 0 where all is well
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "loopback.h"
#include "poller.h"
#include "relay-core.h"

namespace {

using relay::Adoption;
using relay::Core;
using relay::Kind;
using relay::Mailbox;
using relay::Record;

constexpr size_t kAtOnce = 48;
constexpr int kThreads = 2;

using Clock = std::chrono::steady_clock;

/** Time without any progress after which a run is given up. */
constexpr std::chrono::seconds kMostRest{30};

/** A reset may be lost: a receiver that had to drop octets only answers one that is ahead of what it has, and how often it answers
 *  is limited (RFC 5961 §3.2, §7). So long a peer is waited for that should have had one; it happens once in many thousand. */
constexpr std::chrono::seconds kMostResetWait{5};
constexpr int kTunnelsPerLostReset = 50'000;

std::atomic<uint64_t> faults{0};
std::atomic<uint64_t> verified{0};

void fault(const char* what, int tunnel) {
  if (++faults < 20) std::fprintf(stderr, "fault: %s (tunnel %d)\n", what, tunnel);
}

char pattern(uint64_t seed, uint64_t position) {
  uint64_t mixed = (seed ^ (position >> 3)) * 0x9E3779B97F4A7C15ull;
  mixed ^= mixed >> 29;
  return static_cast<char>(mixed >> ((position & 7) * 8));
}

enum class Plan { clean, client_resets, origin_resets, cut };

/** One peer of a tunnel: what it sends, and what it must receive. */
struct Peer {
  int fd = -1;
  uint64_t seed = 0;
  uint64_t total = 0;
  uint64_t sent = 0;
  uint64_t expected_seed = 0;
  uint64_t expected = 0;
  uint64_t received = 0;
  bool shut = false;
  bool ended = false;
  bool reset = false;
};

struct Tunnel {
  int id = 0;
  uint64_t handle = 0;
  Plan plan = Plan::clean;
  bool renewable = false;
  /** When the relay was first seen to have ended it. */
  Clock::time_point over_at{};
  Peer peers[2];
  bool any_reset() const { return peers[0].reset || peers[1].reset; }
};

/** One thread's tunnels, and its mailbox. */
class Driver {
 public:
  Driver(Core& core, Mailbox& mailbox, uint64_t seed) : core_(core), mailbox_(mailbox), random_(seed), octets_(64 * 1024) {}

  void run(int count) {
    while (started_ < count || !tunnels_.empty()) {
      if (Clock::now() - moved_at_ > kMostRest) return give_up();
      while (tunnels_.size() < kAtOnce && started_ < count) start();
      wait();
      renew_spent();
      const uint64_t before = moved_;
      for (Tunnel& tunnel : tunnels_) step(tunnel);
      forget_finished();
      if (moved_ != before) moved_at_ = Clock::now();
    }
  }

  uint64_t records = 0;
  uint64_t counted = 0;
  int lost_resets = 0;

  /** Takes records that wait; those of used-up allowances are answered. */
  void renew_spent() {
    Record taken[64];
    for (size_t count = 0; (count = mailbox_.take(taken, 64)) > 0;) {
      for (size_t i = 0; i < count; i++) {
        if (taken[i].kind == Kind::spent) {
          core_.renew(taken[i].handle, 1 + static_cast<int64_t>(below(200'000)));
        } else {
          records++;
          counted += taken[i].octets[0] + taken[i].octets[1];
        }
      }
    }
  }

 private:
  /** Nothing moves any more, and nothing ends. */
  void give_up() {
    for (const Tunnel& tunnel : tunnels_) {
      fault("stuck", tunnel.id);
      for (const Peer& peer : tunnel.peers) {
        std::fprintf(stderr, "  plan %d sent %llu/%llu received %llu/%llu shut %d ended %d reset %d\n", static_cast<int>(tunnel.plan),
                     static_cast<unsigned long long>(peer.sent), static_cast<unsigned long long>(peer.total),
                     static_cast<unsigned long long>(peer.received), static_cast<unsigned long long>(peer.expected), peer.shut,
                     peer.ended, peer.reset);
      }
    }
  }

  uint64_t below(uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void start() {
    Tunnel tunnel;
    tunnel.id = started_++;
    moved_++;
    const uint64_t size = below(100);
    int ends[2];
    for (int side = 0; side < 2; side++) {
      wires_.connect_pair(tunnel.peers[side].fd, ends[side]);
      Peer& peer = tunnel.peers[side];
      peer.total = below(12) == 0 ? 0 : below(size < 80 ? 6'000 : size < 97 ? 150'000 : 1'500'000);
      peer.seed = random_();
    }
    for (int side = 0; side < 2; side++) {
      tunnel.peers[side].expected_seed = tunnel.peers[1 - side].seed;
      tunnel.peers[side].expected = tunnel.peers[1 - side].total;
    }
    tunnel.plan = below(100) < 80 ? Plan::clean : static_cast<Plan>(1 + below(3));
    if (below(3) == 0) shrink_buffers(tunnel, ends);
    std::string early[2];
    for (int side = 0; side < 2; side++) early[side] = begin(tunnel.peers[side]);
    adopt(tunnel, ends, early);
    if (!stale_.empty() && below(20) == 0) core_.cut(stale_[below(stale_.size())]);
    tunnels_.push_back(tunnel);
  }

  /** Small buffers block in the middle of a chunk. Much content would take for ever through them. */
  void shrink_buffers(Tunnel& tunnel, const int ends[2]) {
    const int bytes = 8192;
    if (tunnel.peers[0].total + tunnel.peers[1].total > 100'000) return;
    for (int side = 0; side < 2; side++) {
      setsockopt(ends[side], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
      if (below(2)) setsockopt(tunnel.peers[side].fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
  }

  std::string next_octets(Peer& peer, uint64_t most) {
    const uint64_t count = std::min(peer.total - peer.sent, most);
    std::string octets(count, '\0');
    for (uint64_t i = 0; i < count; i++) octets[i] = pattern(peer.seed, peer.sent + i);
    return octets;
  }

  /** Octets that the caller has read before the hand-over, and octets behind them, perhaps with the FIN. */
  std::string begin(Peer& peer) {
    std::string early = next_octets(peer, below(3) ? 0 : below(60) == 0 ? 200'000 : below(3'000));
    peer.sent += early.size();
    if (below(3) != 0) return early;
    send_some(peer, below(4'000));
    if (peer.sent == peer.total && below(2)) shut(peer);
    return early;
  }

  void adopt(Tunnel& tunnel, const int ends[2], const std::string early[2]) {
    Adoption adoption;
    for (int side = 0; side < 2; side++) {
      adoption.fd[side] = ends[side];
      adoption.early[side] = {early[side].data(), early[side].size()};
    }
    adoption.tag = tunnel.id;
    adoption.owner = &mailbox_;
    adoption.idle_ms = 600'000;
    if (below(10) == 0) adoption.allowance = static_cast<int64_t>(below(20'000));
    if (below(20) == 0) adoption.pace = 4'000'000;
    for (int side = 0; side < 2; side++) adoption.owned[side] = below(2) == 0;
    for (int side = 0; side < 2; side++)
      if (adoption.owned[side]) pass_through_poller(ends[side], tunnel.id);
    if (below(50) == 0) adopt_in_vain(adoption, tunnel.id);
    tunnel.handle = core_.adopt(adoption);
    if (tunnel.handle == 0) std::abort();
    for (int side = 0; side < 2; side++)
      if (!adoption.owned[side]) close(ends[side]);
  }

  /** Perhaps with events that are told while it is there, or that wait when it goes. */
  void pass_through_poller(int fd, int tunnel) {
    const int64_t handle = poller_.attach(fd);
    if (handle <= 0) std::abort();
    if (below(2) == 0) {
      double events[8 * relay::kEventFields];
      poller_.collect(events, 8);
      poller_.settle();
    }
    if (poller_.release(static_cast<uint64_t>(handle)) != fd) fault("another descriptor is released", tunnel);
    pollfd told{poller_.epoll(), POLLIN, 0};
    if (poll(&told, 1, 0) != 0) fault("events of what was released", tunnel);
  }

  /** Nothing has changed after an adoption that fails: the descriptors stay the caller's, for the next one. */
  void adopt_in_vain(Adoption adoption, int tunnel) {
    const int side = static_cast<int>(below(2));
    adoption.fd[side] = -1;
    adoption.owned[side] = false;
    if (core_.adopt(adoption) != 0 || errno != EBADF) fault("what is no descriptor is adopted", tunnel);
    if (fcntl(adoption.fd[1 - side], F_GETFD) < 0) fault("an adoption that failed closes a descriptor", tunnel);
  }

  void wait() {
    std::vector<pollfd> polled;
    for (const Tunnel& tunnel : tunnels_) {
      for (const Peer& peer : tunnel.peers) {
        const short events = static_cast<short>((peer.ended ? 0 : POLLIN) | (peer.sent < peer.total ? POLLOUT : 0));
        // One that waits for nothing would report its hang-up for ever.
        if (!peer.reset && events != 0) polled.push_back({peer.fd, events, 0});
      }
    }
    poll(polled.data(), polled.size(), 20);
  }

  void send_some(Peer& peer, uint64_t most) {
    const std::string octets = next_octets(peer, most);
    if (octets.empty()) return;
    const ssize_t sent = send(peer.fd, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) peer.sent += static_cast<uint64_t>(sent);
    if (sent > 0) moved_++;
    if (sent < 0 && errno != EAGAIN) peer.reset = true;
  }

  void shut(Peer& peer) {
    shutdown(peer.fd, SHUT_WR);
    peer.shut = true;
  }

  void receive(Tunnel& tunnel, Peer& peer) {
    const ssize_t count = recv(peer.fd, octets_.data(), 1 + below(octets_.size()), MSG_DONTWAIT);
    if (count < 0) {
      if (errno != EAGAIN) peer.reset = true;
      return;
    }
    if (count == 0) {
      peer.ended = true;
      // A reset may come as one; a FIN never before its time.
      if (peer.received != peer.expected) fault("an end before the last octet", tunnel.id);
      return;
    }
    for (ssize_t i = 0; i < count; i++) {
      if (octets_[static_cast<size_t>(i)] == pattern(peer.expected_seed, peer.received + static_cast<uint64_t>(i))) continue;
      fault("a wrong octet", tunnel.id);
      break;
    }
    peer.received += static_cast<uint64_t>(count);
    moved_++;
    verified += static_cast<uint64_t>(count);
    if (peer.received > peer.expected) fault("too many octets", tunnel.id);
  }

  void step(Tunnel& tunnel) {
    uint64_t counts[2];
    if (below(8) == 0) core_.counts(tunnel.handle, counts);
    if (tunnel.plan == Plan::cut && below(6) == 0) core_.cut(tunnel.handle);
    for (int side = 0; side < 2; side++) {
      Peer& peer = tunnel.peers[side];
      if (peer.reset) continue;
      if (tunnel.plan == (side == 0 ? Plan::client_resets : Plan::origin_resets) && below(6) == 0) {
        const linger none{1, 0};
        setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(peer.fd);
        peer.fd = -1;
        peer.reset = true;
        continue;
      }
      send_some(peer, 1 + below(40'000));
      if (!peer.reset && peer.sent == peer.total && !peer.shut && below(2)) shut(peer);
      if (!peer.reset && !peer.ended) receive(tunnel, peer);
    }
    if (tunnel.any_reset() && tunnel.plan == Plan::clean) fault("a reset that nobody asked for", tunnel.id);
  }

  bool finished(Tunnel& tunnel) {
    const auto done = [](const Peer& peer) { return peer.reset || (peer.ended && peer.shut); };
    if (tunnel.any_reset() && tunnel.plan == Plan::clean) return true;
    return (done(tunnel.peers[0]) && done(tunnel.peers[1])) || lost_reset(tunnel);
  }

  bool lost_reset(Tunnel& tunnel) {
    uint64_t counts[2];
    if (tunnel.plan == Plan::clean || core_.counts(tunnel.handle, counts)) return false;
    if (tunnel.over_at == Clock::time_point()) tunnel.over_at = Clock::now();
    if (Clock::now() - tunnel.over_at < kMostResetWait) return false;
    lost_resets++;
    return true;
  }

  void forget_finished() {
    const auto end = std::partition(tunnels_.begin(), tunnels_.end(), [this](Tunnel& tunnel) { return !finished(tunnel); });
    for (auto tunnel = end; tunnel != tunnels_.end(); ++tunnel) {
      moved_++;
      stale_.push_back(tunnel->handle);
      for (const Peer& peer : tunnel->peers) {
        if (peer.fd >= 0) close(peer.fd);
      }
    }
    tunnels_.erase(end, tunnels_.end());
    if (stale_.size() > 500) stale_.erase(stale_.begin(), stale_.begin() + 250);
  }

  Core& core_;
  Mailbox& mailbox_;
  std::mt19937_64 random_;
  std::vector<char> octets_;
  Wires wires_;
  relay::Poller poller_;
  std::vector<Tunnel> tunnels_;
  std::vector<uint64_t> stale_;
  int started_ = 0;
  /** Octets sent and received, ends and beginnings: whatever is progress. */
  uint64_t moved_ = 0;
  Clock::time_point moved_at_ = Clock::now();
};

}  // namespace

int main(int count, char** arguments) {
  const int tunnels = count > 1 ? std::atoi(arguments[1]) : 20'000;
  relay::Options options;
  options.threads = 2;
  options.pipes = count > 2 ? static_cast<uint32_t>(std::atoi(arguments[2])) : 8;
  const uint64_t seed = count > 3 ? static_cast<uint64_t>(std::atoll(arguments[3])) : 1;
  const int before = descriptors();
  uint64_t records = 0;
  uint64_t counted = 0;
  uint32_t peak = 0;
  int lost_resets = 0;
  {
    Core core(options);
    Mailbox heir(nullptr, nullptr);
    Mailbox boxes[kThreads] = {{nullptr, nullptr}, {nullptr, nullptr}};
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<Driver>> drivers(kThreads);
    for (int i = 0; i < kThreads; i++) {
      drivers[static_cast<size_t>(i)] = std::make_unique<Driver>(core, boxes[i], seed * 1000 + static_cast<uint64_t>(i));
      threads.emplace_back([&, i] {
        drivers[static_cast<size_t>(i)]->run(tunnels / kThreads);
        boxes[i].close(&heir);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (int waits = 0; waits < 1000 && core.stats().live > 0; waits++) usleep(10'000);
    if (core.stats().live > 0) fault("tunnels are left", -1);
    for (const auto& driver : drivers) {
      driver->renew_spent();
      records += driver->records;
      counted += driver->counted;
      lost_resets += driver->lost_resets;
    }
    Record left[64];
    for (size_t taken = 0; (taken = heir.take(left, 64)) > 0;) {
      for (size_t i = 0; i < taken; i++) {
        if (left[i].kind == Kind::spent) continue;
        records++;
        counted += left[i].octets[0] + left[i].octets[1];
      }
    }
    peak = core.stats().pipes_peak;
  }
  if (records != static_cast<uint64_t>(tunnels / kThreads * kThreads)) fault("a record for each tunnel", -1);
  if (lost_resets > 1 + tunnels / kTunnelsPerLostReset) fault("too many lost resets", -1);
  if (descriptors() != before) fault("descriptors are left", -1);
  if (counted < verified) fault("fewer octets counted than received", -1);
  std::printf("%d tunnels, %llu records, %.3f GB verified, %u pipes at most, %d resets lost, %llu faults\n", tunnels,
              static_cast<unsigned long long>(records), static_cast<double>(verified) / 1e9, peak, lost_resets,
              static_cast<unsigned long long>(faults));
  return faults == 0 ? 0 : 1;
}
