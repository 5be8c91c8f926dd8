// Short PTX texts that together use everything the parser knows: what the fuzzers change.
#pragma once
#include <array>
#include <string_view>

namespace moe::simt::ptx {

inline constexpr std::array<std::string_view, 5> kFuzzSeeds = {
    // A module's directives, declarations and a guarded loop.
    R"(.version 9.0
.target sm_90a, debug
.address_size 64
.file 1 "a.cu", 17, 40
.section .debug_str { $L__info_string0: .b8 95,90 }
.pragma "nounroll";
.extern .func (.param .b32 r) vprintf (.param .b64 a, .param .align 8 .b8 b[16]) .noreturn;
.extern .shared .align 1024 .b8 raw[];
.visible .entry k(.param .u64 .ptr .global .align 16 a, .param .u32 n)
.maxntid 128, 1, 1
.minnctapersm 2
.explicitcluster
.reqnctapercluster 2, 1, 1
.maxnreg 64
{
	.reg .pred %p<3>;
	.reg .b32 %r<9>;
	.reg .b64 %rd<4>;
	.reg .f32 %f<5>;
	.loc 1 3 5, function_name $L__info_string0 + 4, inlined_at 1 2 3
	ld.param.u64 %rd1, [a];
	mov.u32 %r1, %tid.x; // thread
	setp.ge.and.s32 %p1|%p2, %r1, 0x10, !%p0;
$L__BB0_1:
	@!%p1 ld.global.v2.b32 {%r2, %r3}, [%rd1+-8];
	fma.rn.f32 %f1, %f2, 0f3F800000, 1.5;
	/* back */ @%p2 bra.uni $L__BB0_1;
	ret;
})",
    // Initial values.
    R"(.func f;
.global .align 4 .b8 arr[20] = {1, 0, -1, 0U, 0x1f};
.visible .const .f64 d[2] = {0d3FF0000000000000, 1.5e-3};
.global .v2 .f32 v[2] = {{0f3F800000, 1.0}, {}};
.global .u64 p[4] = {generic(arr)+4, arr, f, 012};
.global .u16 u[][2] = {{1}, {2, 3}, {0b11}};
.weak .global .attribute(.managed) .u32 m = 3, n;
.global .align 1 .u8 packed[9] = {0xFF(arr), 0xFF00(arr), 0xFF0000(arr), 0xFF000000(arr), 0xFF00000000(arr), 0xFF0000000000(arr), 0xFF000000000000(arr), 0xFF00000000000000(arr), 5};
)",
    // Nested scopes, tables, calls.
    R"(.func (.param .b32 r) g(.reg .u32 x) { .reg .u32 y; add.u32 y, x, 1; ret; }
.func h;
.alias h, g;
.entry k(.param .u64 a) {
.reg .b32 %r<3>; .reg .b64 %rd<3>; .local .align 8 .b8 depot[16];
table: .branchtargets A, B;
A: brx.idx %r1, table;
B: { .reg .s32 r0; .reg .pred p; L: shfl.sync.up.b32 r0|p, %r1, 1, 0, -1; @p bra L; }
{ // callseq
.param .b32 param0; .param .align 8 .b8 retval0[8];
st.param.b32 [param0+0], %r1;
proto: .callprototype (.param .b32 _)_ (.param .b32 _, .param .b8 _[4]);
call (retval0), %rd1, (param0), proto;
call.uni (retval0), g, (param0);
targets: .calltargets g;
}
{ L: bra L; { bra L; L: } }
mov.u64 %rd1, depot+8;
})",
    // Tensor instructions and what they bring: long vectors, coordinates, modifiers with `::`.
    R"(.extern .shared .align 16 .b8 raw[]; .global .u64 tex, smp;
.entry k(.param .align 64 .b8 map[128]) .maxntid 384 {
.reg .b32 %r<20>; .reg .b64 %rd<4>; .reg .f32 %f<9>; .reg .pred P1; .reg .v4 .f32 q; .reg .b128 w;
mbarrier.try_wait.parity.shared::cta.b64 P1, [%r1], %r2, 0x989680;
cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%rd1, {%r2, %r3}], [%r4];
wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, %rd1, %rd2, 1, 1, 1, 0, 0;
mov.b64 {%r1, _}, %rd2;
mov.u64 %rd3, %globaltimer; mov.u32 %r1, WARP_SZ; mov.u32 %r1, %envreg3;
st.shared.v4.f32 [raw+16], q; mov.f32 %f1, q.x;
bar.sync 0;
.pragma "used_bytes_mask 240", "x";
tex.2d.v4.f32.s32 {%f0,%f1,%f2,%f3}, [tex, smp, {%r1,%r2}];
})",
    // Nothing but blanks and comments.
    "\r\n\t // a\n/* b */",
};

}  // namespace moe::simt::ptx
