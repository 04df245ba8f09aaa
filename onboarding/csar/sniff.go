package csar

import (
	"bytes"
	"strconv"
	"strings"
)

// format is a container or compression as its bytes tell it.
type format string

const (
	formatUnknown format = ""
	formatZip     format = "zip"
	formatTar     format = "tar"
	formatGzip    format = "gzip"
	formatXz      format = "xz"
	formatZstd    format = "zstd"
	formatBzip2   format = "bzip2"
)

// sniffLen is how many bytes sniff wants: a tar header.
const sniffLen = 512

// sniff tells the format of the bytes that begin with head. A tar comes first:
// its first bytes are a file's name, which may look like any magic number,
// while its header has a checksum, which nothing else has by chance.
func sniff(head []byte) format {
	if isTarHeader(head) {
		return formatTar
	}
	for _, magic := range []struct {
		prefix string
		format format
	}{
		{"PK\x03\x04", formatZip},
		{"PK\x05\x06", formatZip}, // without members
		{"PK\x06\x06", formatZip}, // the same as zip64
		{"\x1f\x8b", formatGzip},
		{"\xfd7zXZ\x00", formatXz},
		{"\x28\xb5\x2f\xfd", formatZstd},
	} {
		if bytes.HasPrefix(head, []byte(magic.prefix)) {
			return magic.format
		}
	}
	if len(head) >= 10 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' {
		// The magic number of the first block, or of the end of no blocks.
		if block := string(head[4:10]); block == "1AY&SY" || block == "\x17rE8P\x90" {
			return formatBzip2
		}
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return formatTar // a damaged one, as its reader will find
	}
	return formatUnknown
}

// isTarHeader reports whether the block's checksum (POSIX.1-1988, ustar) is
// right; old tars have nothing else to be known by.
func isTarHeader(block []byte) bool {
	if len(block) < sniffLen || block[0] == 0 {
		return false
	}
	stated, err := strconv.ParseInt(strings.Trim(string(block[148:156]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	var unsigned, signed int64 // early writers summed signed bytes
	for i, b := range block[:sniffLen] {
		if i >= 148 && i < 156 {
			b = ' '
		}
		unsigned += int64(b)
		signed += int64(int8(b))
	}
	return stated == unsigned || stated == signed
}
