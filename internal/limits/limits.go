// Package limits tells what the system lets this process have at most.
package limits

// none is what a limit is taken to be where there is none; systems write it as one of the
// largest numbers.
const none = 1 << 62
