package main

import "slices"

// hostCases are the cases in which the driver has a part.
func hostCases() []*testCase {
	return slices.Concat(bundleCases(), signatureCases(), manifestCases(), mountCases(), policyCases(), addressCases(), nativeCases(), sealedCases(), auditCases(), warmCases(), snapshotCases())
}
