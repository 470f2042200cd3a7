/* Scope-bound ownership: declare with cf_auto(), give away with cf_take(). */
#pragma once

#define cf_auto(freefn) __attribute__((cleanup(freefn##_p)))

/* Heap objects: freefn takes the pointer and accepts NULL. */
#define CF_DEFINE_AUTO(type, freefn)                                                               \
	static inline void freefn##_p(type **slot)                                                 \
	{                                                                                          \
		freefn(*slot);                                                                     \
		*slot = NULL;                                                                      \
	}                                                                                          \
	_Static_assert(sizeof(type *) != 0, "needs a semicolon")

/* Embedded structs: donefn releases the contents and accepts a zeroed struct. */
#define CF_DEFINE_DONE(type, donefn)                                                               \
	static inline void donefn##_p(type *slot)                                                  \
	{                                                                                          \
		donefn(slot);                                                                      \
	}                                                                                          \
	_Static_assert(sizeof(type) != 0, "needs a semicolon")

#define cf_take(slot)                                                                              \
	({                                                                                         \
		__typeof__(*(slot)) cf_taken_ = *(slot);                                           \
		*(slot) = NULL;                                                                    \
		cf_taken_;                                                                         \
	})

#define CF_COUNT(array) (sizeof(array) / sizeof((array)[0]))
