// Package fetch turns a URL into the bytes of an image that can be trusted.
//
// It stands between the network and the repository's staging. [Client.Open] gives
// a [Response], a reader that delivers the whole image, decompressed where the
// description asks for what is inside, or fails:
//
//	URL ─▶ guard ─▶ connection ─▶ resume ─▶ page? ─▶ decompress ─▶ budget ─▶ Read
//	       every    stall         Range,    HTML,    source        length
//	       hop      time-out      If-Range  empty    digests
//
// A clean [io.EOF] means that the transfer is complete: the length that the server
// announced, the stated size, and the checks of the compression hold. The stated
// digests are the reader's half: it hashes the content as it stages it, and asks
// [Response.Verify] before it publishes.
//
// # What is retried
//
// Broken, refused and stalled connections, 408, 425, 429 and 5xx but 501 and 505,
// with a capped exponential back-off with jitter; Retry-After is honoured up to a
// cap. Attempts are counted since the last new byte, so a transfer that progresses
// is never given up and has no time-out as a whole. Every other status, a refused
// address, a failed TLS verification, an unknown host name or a bad redirect ends
// the fetch at once.
//
// A broken transfer goes on with Range and If-Range (RFC 9110, 13.1.5) if the
// server gave a strong validator. Without one, or when the server answers with the
// whole again, it is read from its start, and the part that was already delivered
// is compared by a hash: equal, the transfer goes on behind it; different, it ends
// with [ErrChanged], and the caller may open the URL anew and stage from zero.
//
// # What is refused
//
// URLs come from packages, and packages from strangers. [Guard] looks at the
// address of every connection just before it is made, so neither redirects nor
// odd spellings of an address nor a name that resolves differently the second time
// lead into the operator's networks. Redirects are bounded and never lead from
// https to http. Credentials go to their own host only; user info and query
// values of URLs appear in no error and no log.
package fetch
