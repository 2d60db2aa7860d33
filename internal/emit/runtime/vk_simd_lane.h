/* SIMD: splats, lanes, shuffles, loads and stores. Lane numbers are constants. */
#define i8x16_splat(x) ((v128)(u8x16){ALL16((u8)(x))})
#define i16x8_splat(x) ((v128)(u16x8){ALL8((u16)(x))})
#define i32x4_splat(x) ((v128)(u32x4){ALL4(x)})
#define i64x2_splat(x) ((v128)(u64x2){ALL2(x)})
#define f32x4_splat(x) ((v128)(f32x4){ALL4(x)})
#define f64x2_splat(x) ((v128)(f64x2){ALL2(x)})

#define i8x16_extract_lane_s(v, n) ((u32)(s32)((s8x16)(v))[n])
#define i8x16_extract_lane_u(v, n) ((u32)((u8x16)(v))[n])
#define i16x8_extract_lane_s(v, n) ((u32)(s32)((s16x8)(v))[n])
#define i16x8_extract_lane_u(v, n) ((u32)((u16x8)(v))[n])
#define i32x4_extract_lane(v, n) (((u32x4)(v))[n])
#define i64x2_extract_lane(v, n) (((u64x2)(v))[n])
#define f32x4_extract_lane(v, n) (((f32x4)(v))[n])
#define f64x2_extract_lane(v, n) (((f64x2)(v))[n])

#define VK_REPLACE(V, T, v, x, n)                                                                                      \
    ({                                                                                                                 \
        V vector = (V)(v);                                                                                             \
        vector[n] = (T)(x);                                                                                            \
        (v128) vector;                                                                                                 \
    })
#define i8x16_replace_lane(v, x, n) VK_REPLACE(u8x16, u8, v, x, n)
#define i16x8_replace_lane(v, x, n) VK_REPLACE(u16x8, u16, v, x, n)
#define i32x4_replace_lane(v, x, n) VK_REPLACE(u32x4, u32, v, x, n)
#define i64x2_replace_lane(v, x, n) VK_REPLACE(u64x2, u64, v, x, n)
#define f32x4_replace_lane(v, x, n) VK_REPLACE(f32x4, f32, v, x, n)
#define f64x2_replace_lane(v, x, n) VK_REPLACE(f64x2, f64, v, x, n)

#define i8x16_shuffle(a, b, ...) ((v128)__builtin_shufflevector((u8x16)(a), (u8x16)(b), __VA_ARGS__))

/* pshufb gives 0 for indices from 128; the saturating addition makes that from 16. */
INLINE v128 i8x16_swizzle(v128 x, v128 index) {
    u8x16 i = __builtin_elementwise_add_sat((u8x16)index, (u8x16){ALL16(0x70)});
    return (v128)__builtin_ia32_pshufb128((c8x16)x, (c8x16)i);
}

#define v128_load(a, o) LOADED(v128, a, o)
#define v128_store(a, o, v) (MEM(v128, a, o) = (v))

/* Memory holds half a vector; a u64 carries it. */
#define VK_HALF(N, W, a, o) ((v128) __builtin_convertvector((N)LOADED(u64, a, o), W))
#define v128_load8x8_s(a, o) VK_HALF(s8x8, s16x8, a, o)
#define v128_load8x8_u(a, o) VK_HALF(u8x8, u16x8, a, o)
#define v128_load16x4_s(a, o) VK_HALF(s16x4, s32x4, a, o)
#define v128_load16x4_u(a, o) VK_HALF(u16x4, u32x4, a, o)
#define v128_load32x2_s(a, o) VK_HALF(s32x2, s64x2, a, o)
#define v128_load32x2_u(a, o) VK_HALF(u32x2, u64x2, a, o)

#define VK_LOAD_SPLAT(T, P, a, o)                                                                                      \
    ({                                                                                                                 \
        T vk_x = LOADED(T, a, o);                                                                                      \
        P##_splat(vk_x);                                                                                               \
    })
#define v128_load8_splat(a, o) VK_LOAD_SPLAT(u8, i8x16, a, o)
#define v128_load16_splat(a, o) VK_LOAD_SPLAT(u16, i16x8, a, o)
#define v128_load32_splat(a, o) VK_LOAD_SPLAT(u32, i32x4, a, o)
#define v128_load64_splat(a, o) VK_LOAD_SPLAT(u64, i64x2, a, o)

#define v128_load32_zero(a, o) ((v128){LOADED(u32, a, o), 0})
#define v128_load64_zero(a, o) ((v128){LOADED(u64, a, o), 0})

#define v128_load8_lane(a, o, v, n) VK_REPLACE(u8x16, u8, v, LOADED(u8, a, o), n)
#define v128_load16_lane(a, o, v, n) VK_REPLACE(u16x8, u16, v, LOADED(u16, a, o), n)
#define v128_load32_lane(a, o, v, n) VK_REPLACE(u32x4, u32, v, LOADED(u32, a, o), n)
#define v128_load64_lane(a, o, v, n) VK_REPLACE(u64x2, u64, v, LOADED(u64, a, o), n)
#define v128_store8_lane(a, o, v, n) (MEM(u8, a, o) = ((u8x16)(v))[n])
#define v128_store16_lane(a, o, v, n) (MEM(u16, a, o) = ((u16x8)(v))[n])
#define v128_store32_lane(a, o, v, n) (MEM(u32, a, o) = ((u32x4)(v))[n])
#define v128_store64_lane(a, o, v, n) (MEM(u64, a, o) = ((u64x2)(v))[n])
