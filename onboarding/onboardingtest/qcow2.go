package onboardingtest

import "encoding/binary"

const (
	clusterSize = 1 << 16
	perL2       = clusterSize / 8 // entries of an L2 table
	perRefcount = clusterSize / 2 // entries of a refcount block of 16-bit counts

	copied = 1 << 63 // QCOW_OFLAG_COPIED: the cluster's refcount is exactly one
)

// qcow2Layout places the parts of a qcow2 file in the order header, refcount
// table, refcount blocks, L1 table, L2 tables, data, each in whole clusters and
// each used once (docs/interop/qcow2.txt of QEMU). All of it is a function of
// the number of clusters, so nothing is stored.
type qcow2Layout struct {
	clusters  int64 // in the file
	blocks    int64 // refcount blocks
	l2        int64 // L2 tables
	data      int64 // data clusters
	l1Entries int64
	virtual   int64 // bytes

	tableStart, blockStart, l1Start, l2Start, dataStart int64 // byte offsets

	header [104]byte
}

func newQCOW2Layout(size, virtual int64) *qcow2Layout {
	l := &qcow2Layout{clusters: ceil(size, clusterSize)}
	// The L1 table's length follows from the virtual size, which follows from
	// the room that the L1 table leaves; a second round settles it.
	for range 2 {
		l.clusters = max(l.clusters, 4)
		l.blocks = ceil(l.clusters, perRefcount)
		tables := ceil(l.blocks*8, clusterSize)
		l1 := max(1, ceil(l.l1Entries*8, clusterSize))
		rest := l.clusters - 1 - tables - l.blocks - l1
		if rest < 0 {
			l.clusters -= rest
			continue
		}
		l.l2 = ceil(rest, perL2+1)
		l.data = rest - l.l2
		l.virtual = max(virtual, l.data*clusterSize)
		l.l1Entries = max(ceil(l.virtual, clusterSize*perL2), l.l2)

		l.tableStart = clusterSize
		l.blockStart = l.tableStart + tables*clusterSize
		l.l1Start = l.blockStart + l.blocks*clusterSize
		l.l2Start = l.l1Start + l1*clusterSize
		l.dataStart = l.l2Start + l.l2*clusterSize
	}

	h := binary.BigEndian
	b := l.header[:]
	h.PutUint32(b[0:], 0x514649fb) // "QFI\xfb"
	h.PutUint32(b[4:], 3)          // version
	h.PutUint32(b[20:], 16)        // cluster_bits
	h.PutUint64(b[24:], uint64(l.virtual))
	h.PutUint32(b[36:], uint32(l.l1Entries))
	h.PutUint64(b[40:], uint64(l.l1Start))
	h.PutUint64(b[48:], uint64(l.tableStart))
	h.PutUint32(b[56:], uint32((l.blockStart-l.tableStart)/clusterSize))
	h.PutUint32(b[96:], 4)    // refcount_order: 16 bits
	h.PutUint32(b[100:], 104) // header_length
	return l
}

// word returns the eight bytes at the offset, which lies before the data.
func (l *qcow2Layout) word(off int64) uint64 {
	switch {
	case off < int64(len(l.header)):
		return binary.BigEndian.Uint64(l.header[off:])
	case off < l.tableStart:
		return 0
	case off < l.blockStart:
		return entry((off-l.tableStart)/8, l.blocks, l.blockStart, 0)
	case off < l.l1Start:
		var four uint64
		for k := range int64(4) {
			four <<= 16
			if (off-l.blockStart)/2+k < l.clusters {
				four |= 1
			}
		}
		return four
	case off < l.l2Start:
		return entry((off-l.l1Start)/8, l.l2, l.l2Start, copied)
	default:
		return entry((off-l.l2Start)/8, l.data, l.dataStart, copied)
	}
}

// entry is the k-th pointer of a table that refers to n consecutive clusters.
func entry(k, n, start int64, flags uint64) uint64 {
	if k >= n {
		return 0
	}
	return uint64(start+k*clusterSize) | flags
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }
