// Package diskfmt tells what a disk image really is, from its bytes.
//
// A package or URL declares an image's disk_format and container_format, and a
// VIM believes the declaration: a qcow2 uploaded as raw boots to nothing, and an
// image whose header names another file makes the hypervisor read that file from
// its own host. Newer Glance releases look for both, but only after every byte
// was sent. This package looks at ingest, while the bytes are on their way into
// the repository:
//
//	source ──▶ hashes ──▶ file
//	       └─▶ Inspector ──▶ Result ──▶ Match(declared disk, container, result)
//	           (an io.Writer)  format, virtual size, problems
//
// [Inspector] keeps the first 64 KiB and the last 1.5 KiB of the stream, and for
// a VHDX two more header regions. Once these are captured a Write costs a copy of
// at most 1.5 KiB, whatever its length. [Inspect] does the same for a stored file
// by reading only those regions.
//
// Facts come from headers only: a positive answer says that the headers are those
// of the format, not that every cluster behind them is sound.
//
// The layouts follow the published descriptions: QEMU's docs/interop/qcow2.rst,
// qed_spec.rst and parallels.rst, VMware's "Virtual Disk Format 5.0", Microsoft's
// "Virtual Hard Disk Image Format Specification" and [MS-VHDX], VirtualBox's
// VDICore.h, ECMA-119 for ISO 9660, POSIX.1-2001 pax for tar, and the format notes
// of each compressor.
package diskfmt
