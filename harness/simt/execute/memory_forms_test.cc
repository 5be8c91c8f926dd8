#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/test_refusal.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Each of them was given to ptxas 13.0, which takes it.
TEST(LoadStore, TakesTheFormsThatPtxasTakes) {
  for (const char* statement :
       {"ld.global.volatile.u32 %r3, [%rd1];",
        "ld.relaxed.gpu.global.u32 %r3, [%rd1];",
        "ld.acquire.cta.shared::cta.u32 %r3, [%rd1];",
        "ld.mmio.relaxed.sys.global.u32 %r3, [%rd1];",
        "ld.global.ca.nc.u32 %r3, [%rd1];",
        "ld.global.L2::cache_hint.u32 %r3, [%rd1], %rd3;",
        "ld.weak.global.cs.u32 %r3, [%rd1];",
        "ldu.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];",
        "ldu.u32 %r3, [%rd1];",

        "ld.global.b32 {%r3}, [%rd1];",
        "ld.global.relaxed.gpu.L2::256B.f32 %f1, [%rd1];",
        "ld.acquire.sys.global.b128 %q1, [%rd1];",
        "ld.shared::cluster.u32 %r3, [%r4];",
        "ld.b32 %r3, [%rd1+-4];",
        "ld.global.b16 %f1, [%rd1];",
        "ld.global.L2::evict_last.v8.f32 {%f1, _, %f2, %f3, %f4, %f5, %f6, %f7}, [%rd1];",
        "st.release.gpu.global.u32 [%rd1], %r3;",
        "st.volatile.shared.u32 [%r4], %r3;",
        "st.global.wt.u32 [%rd1], %r3;",
        "st.global.L2::cache_hint.u32 [%rd1], %r3, %rd3;",
        "st.global.v2.u32 [%rd1], {1, %r3};",
        "st.global.L1::no_allocate.f64 [%rd1], %d1;",
        "prefetch.global.L1 [%rd1];",
        "prefetch.L2 [%rd1];",
        "prefetch.global.L2::evict_last [%rd1];",
        "prefetch.tensormap [%rd1];",
        "prefetch.param.tensormap [%rd1];",
        "prefetchu.L1 [%rd1];",
        "applypriority.global.L2::evict_normal [%rd1], 128;",
        "discard.global.L2 [%rd1], 128;",
        "createpolicy.fractional.L2::evict_last.b64 %rd3;",
        "createpolicy.fractional.L2::evict_last.L2::evict_first.b64 %rd3, 0.5;",
        "createpolicy.range.global.L2::evict_last.L2::evict_first.b64 %rd3, [%rd1], 256, 512;",
        "createpolicy.cvt.L2.b64 %rd3, %rd4;"}) {
    EXPECT_EQ(refusal(statement), "") << statement;
  }
}

// Each of them was given to ptxas 13.0, which refuses it.
TEST(LoadStore, RefusesTheFormsThatPtxasRefusesNamingThem) {
  for (const char* statement : {"ld.global.f16 %h1, [%rd1];",
                                "ld.global.f16x2 %r3, [%rd1];",
                                "ld.global.b32 %h1, [%rd1];",
                                "ld.shared.v8.b32 {%r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8}, [%r4];",
                                "ld.shared.v4.b64 {%rd1, %rd2, %rd3, %rd4}, [%r4];",
                                "ld.global.v2.b128 {%q1, %q2}, [%rd1];",
                                "ld.global.v2.s8 {%h1, %rd3}, [%rd1];",
                                "ld.relaxed.global.u32 %r3, [%rd1];",
                                "ld.mmio.acquire.sys.global.u32 %r3, [%rd1];",
                                "ld.nc.u32 %r3, [%rd1];",
                                "ld.shared.nc.u32 %r3, [%r4];",
                                "ld.global.u32 %r3, [%rd1], %rd3;",
                                "ld.global.L2::cache_hint.u32 %r3, [%rd1];",
                                "ld.const.relaxed.gpu.u32 %r3, [%rd1];",
                                "ld.local.volatile.u32 %r3, [%rd1];",
                                "ldu.shared.u32 %r3, [%r4];",
                                "st.global.b32 [%rd1], %h1;",
                                "st.release.global.u32 [%rd1], %r3;",
                                "st.const.u32 [%rd1], %r3;",
                                "st.const.u32 [fixed], %r3;",
                                "st.global.ca.u32 [%rd1], %r3;",
                                "st.global.L2::128B.u32 [%rd1], %r3;",
                                "st.mmio.release.sys.global.u32 [%rd1], %r3;",
                                "ld.pred %p1, [%rd1];",
                                "ld.global.v3.b32 {%r1, %r2, %r3}, [%rd1];",
                                "ld.global.v2.b32 %rd3, [%rd1];",
                                "ld.global.v2.b32 {%r1, %r2, %r3}, [%rd1];",
                                "ld.volatile.gpu.global.u32 %r3, [%rd1];",
                                "st.global.v2.f16x2 [%rd1], {%r3, %r4};",
                                "prefetch.global.L2::evict_first [%rd1];",
                                "prefetch.shared.L1 [%r4];",
                                "prefetch.global.tensormap [%rd1];",
                                "discard.global.L2 [%rd1], 64;"}) {
    const std::string found = refusal(statement);
    EXPECT_THAT(found, HasSubstr("test.ptx:")) << statement;
  }
}

// Each of them was given to ptxas 13.0, which takes it.
TEST(Atomics, TakeTheFormsThatPtxasTakes) {
  for (const char* statement :
       {"atom.acq_rel.sys.global.cas.b64 %rd2, [%rd1], %rd2, %rd3;",
        "atom.acquire.global.add.u32 %r3, [%rd1], %r4;",
        "atom.gpu.add.u32 %r3, [%rd1], %r4;",
        "atom.shared::cluster.cluster.add.u32 %r3, [%r4], %r5;",
        "atom.global.add.L2::cache_hint.u32 %r3, [%rd1], %r4, %rd5;",
        "atom.global.v4.bf16x2.min.noftz {%r3, %r4, %r5, _}, [%rd1], {%r3, %r4, %r5, %r6};",
        "atom.add.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1], {%f1, %f2, %f3, %f4};",
        "red.global.v8.bf16.add.noftz [%rd1], {%h1, %h2, %h3, %h4, %h5, %h6, %h7, %h8};",
        "atom.global.b128.exch %q1, [%rd1], %q2;",
        "fence.sc.cta;",
        "fence.acquire.gpu;",
        "fence.release.cluster;",
        "fence.gpu;",
        "fence.mbarrier_init.release.cluster;",
        "fence.acquire.sync_restrict::shared::cluster.cluster;",
        "fence.release.sync_restrict::shared::cta.cluster;",
        "fence.proxy.async;",
        "fence.proxy.async.global;",
        "fence.proxy.async.shared::cta;",
        "fence.proxy.async.shared::cluster;",
        "fence.proxy.alias;",
        "fence.proxy.tensormap::generic.release.gpu;",
        "fence.proxy.tensormap::generic.acquire.gpu [%rd1], 128;",
        "fence.proxy.async::generic.acquire.sync_restrict::shared::cluster.cluster;",
        "fence.proxy.async::generic.release.sync_restrict::shared::cta.cluster;",
        "membar.sys;",
        "membar.proxy.alias;"}) {
    EXPECT_EQ(refusal(statement), "") << statement;
  }
}

// Each of them was given to ptxas 13.0, which refuses it.
TEST(Atomics, RefuseTheFormsThatPtxasRefusesNamingThem) {
  for (const char* statement :
       {"atom.global.add.b32 %r3, [%rd1], %r4;",
        "atom.global.add.s64 %rd2, [%rd1], %rd2;",
        "atom.global.inc.u64 %rd2, [%rd1], %rd2;",
        "atom.global.inc.s32 %r3, [%rd1], %r4;",
        "atom.global.min.f32 %f1, [%rd1], %f2;",
        "atom.global.sub.u32 %r3, [%rd1], %r4;",
        "atom.global.exch.u32 %r3, [%rd1], %r4;",
        "atom.global.exch.f32 %f1, [%rd1], %f2;",
        "atom.global.cas.u32 %r3, [%rd1], %r4, %r5;",
        "atom.global.exch.b16 %h1, [%rd1], %h2;",
        "atom.global.and.u32 %r3, [%rd1], %r4;",
        "atom.global.add.f16 %h1, [%rd1], %h2;",
        "atom.global.min.noftz.f16 %h1, [%rd1], %h2;",
        "atom.global.min.noftz.f16x2 %r3, [%rd1], %r4;",
        "atom.global.add.noftz.f32 %f1, [%rd1], %f2;",
        "atom.shared.add.v2.f32 {%f1, %f2}, [%r3], {%f1, %f2};",
        "atom.global.max.v2.f32 {%f1, %f2}, [%rd1], {%f1, %f2};",
        "red.global.v8.f16x2.min.noftz [%rd1], {%r1, %r2, %r3, %r4, %r1, %r2, %r3, %r4};",
        "red.acquire.gpu.global.add.u32 [%rd1], %r3;",
        "red.acq_rel.gpu.global.add.u32 [%rd1], %r3;",
        "red.relaxed.gpu.global.exch.b32 [%rd1], %r3;",
        "atom.volatile.global.add.u32 %r3, [%rd1], %r4;",
        "atom.local.add.s32 %r3, [%rd1], -1;",
        "atom.global.add.u32 %rd2, [%rd1], %r3;",
        "atom.global.add.u32 %r3, [%rd1];",
        "fence.sc;",
        "fence.mbarrier_init.release.cta;",
        "fence.proxy.async.shared;",
        "membar.gpu;",
        "membar.proxy.async;",
        "fence.proxy.generic;",
        "fence.proxy.tensormap;",
        "fence.proxy.async.local;"}) {
    EXPECT_THAT(refusal(statement), HasSubstr("test.ptx:")) << statement;
  }
}

}  // namespace
}  // namespace moe::simt
