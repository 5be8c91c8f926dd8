// For tests: the fragment layouts as PTX ISA 9.0 writes them, shape by shape ("Matrix Fragments for
// mma..."), with g = groupID and t = threadID_in_group. Derived apart from fragments.h.
#pragma once
#include <functional>

#include "harness/simt/execute/fragments.h"

namespace moe::simt {

using Rule = std::function<Position(int g, int t, int i)>;

// Row and column of a_i.
struct ShapeOfA {
  const char* name;
  int rows, depth, bits, elements;
  Rule rule;
};
inline const ShapeOfA kShapesOfA[] = {
    {"m8n8k4.f64", 8, 4, 64, 1,
     [](int g, int t, int) {
       return Position{g, t};
     }},
    {"m8n8k16.s8", 8, 16, 8, 4,
     [](int g, int t, int i) {
       return Position{g, t * 4 + i};
     }},
    {"m8n8k32.s4", 8, 32, 4, 8,
     [](int g, int t, int i) {
       return Position{g, t * 8 + i};
     }},
    {"m16n8k4.tf32", 16, 4, 32, 2,
     [](int g, int t, int i) {
       return Position{i == 0 ? g : g + 8, t};
     }},
    {"m16n8k4.f64", 16, 4, 64, 2,
     [](int g, int t, int i) {
       return Position{i == 0 ? g : g + 8, t};
     }},
    {"m16n8k8.f16", 16, 8, 16, 4,
     [](int g, int t, int i) {
       return Position{i < 2 ? g : g + 8, t * 2 + (i & 1)};
     }},
    {"m16n8k8.tf32", 16, 8, 32, 4,
     [](int g, int t, int i) {
       return Position{i == 0 || i == 2 ? g : g + 8, i < 2 ? t : t + 4};
     }},
    {"m16n8k8.f64", 16, 8, 64, 4,
     [](int g, int t, int i) {
       return Position{i == 0 || i == 2 ? g : g + 8, i < 2 ? t : t + 4};
     }},
    {"m16n8k16.f16", 16, 16, 16, 8,
     [](int g, int t, int i) {
       return Position{(0 <= i && i < 2) || (4 <= i && i < 6) ? g : g + 8,
                       i < 4 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8};
     }},
    {"m16n8k16.f64", 16, 16, 64, 8,
     [](int g, int t, int i) {
       return Position{i % 2 == 0 ? g : g + 8, i % 2 == 0 ? i * 2 + t : i * 2 - 2 + t};
     }},
    {"m16n8k16.s8", 16, 16, 8, 8,
     [](int g, int t, int i) {
       return Position{i < 4 ? g : g + 8, t * 4 + (i & 3)};
     }},
    {"m16n8k32.s4", 16, 32, 4, 16,
     [](int g, int t, int i) {
       return Position{i < 8 ? g : g + 8, t * 8 + (i & 7)};
     }},
    {"m16n8k32.s8", 16, 32, 8, 16,
     [](int g, int t, int i) {
       return Position{(0 <= i && i < 4) || (8 <= i && i < 12) ? g : g + 8,
                       i < 8 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16};
     }},
    {"m16n8k64.s4", 16, 64, 4, 32,
     [](int g, int t, int i) {
       return Position{(0 <= i && i < 8) || (16 <= i && i < 24) ? g : g + 8,
                       i < 16 ? t * 8 + (i & 7) : t * 8 + (i & 7) + 32};
     }},
};

// Row and column of b_i.
struct ShapeOfB {
  const char* name;
  int depth, bits, elements;
  Rule rule;
};
inline const ShapeOfB kShapesOfB[] = {
    {"k4.f64", 4, 64, 1,
     [](int g, int t, int) {
       return Position{t, g};
     }},
    {"k4.tf32", 4, 32, 1,
     [](int g, int t, int) {
       return Position{t, g};
     }},
    {"k8.f16", 8, 16, 2,
     [](int g, int t, int i) {
       return Position{t * 2 + i, g};
     }},
    {"k8.tf32", 8, 32, 2,
     [](int g, int t, int i) {
       return Position{i == 0 ? t : t + 4, g};
     }},
    {"k8.f64", 8, 64, 2,
     [](int g, int t, int i) {
       return Position{i == 0 ? t : t + 4, g};
     }},
    {"k16.f16", 16, 16, 4,
     [](int g, int t, int i) {
       return Position{i < 2 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8, g};
     }},
    {"k16.f64", 16, 64, 4,
     [](int g, int t, int i) {
       return Position{t + i * 4, g};
     }},
    {"k16.s8", 16, 8, 4,
     [](int g, int t, int i) {
       return Position{t * 4 + i, g};
     }},
    {"k32.s8", 32, 8, 8,
     [](int g, int t, int i) {
       return Position{i < 4 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16, g};
     }},
    {"k32.s4", 32, 4, 8,
     [](int g, int t, int i) {
       return Position{t * 8 + i, g};
     }},
    {"k64.s4", 64, 4, 16,
     [](int g, int t, int i) {
       return Position{i < 8 ? t * 8 + (i & 7) : t * 8 + (i & 7) + 32, g};
     }},
};

// Row and column of c_i.
inline Position position_in_c_of_the_isa(int g, int t, int i) {
  return {i < 2 ? g : g + 8, t * 2 + (i & 1)};
}

}  // namespace moe::simt
