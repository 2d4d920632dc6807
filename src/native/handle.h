// A tunnel's number: 27 bits of generation, 4 of thread, 20 of slot, 1 of side (0 in what the outside sees). Below 2^53, so that
// a JavaScript number holds it.
#pragma once
#include <cstdint>

namespace relay {

constexpr uint32_t kSlotBits = 20;
constexpr uint32_t kThreadBits = 4;
constexpr uint32_t kGenerations = 1u << 27;

constexpr uint64_t make_handle(uint32_t generation, uint32_t thread, uint32_t slot) {
  return ((static_cast<uint64_t>(generation) << kThreadBits | thread) << kSlotBits | slot) << 1;
}
constexpr uint32_t slot_of(uint64_t handle) { return (handle >> 1) & ((1u << kSlotBits) - 1); }
constexpr uint32_t thread_of(uint64_t handle) { return (handle >> (1 + kSlotBits)) & ((1u << kThreadBits) - 1); }
constexpr uint64_t generation_of(uint64_t handle) { return handle >> (1 + kSlotBits + kThreadBits); }
constexpr int side_of(uint64_t handle) { return static_cast<int>(handle & 1); }

}  // namespace relay
