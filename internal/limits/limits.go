// Package limits reports the limits that the system sets for this process.
package limits

// none is the least value that means no limit; systems write that as one of the largest
// numbers.
const none = 1 << 62
