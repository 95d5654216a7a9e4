import Foundation

/// Whether the checks that take minutes are asked for: `make verify` (WORKBENCH_VERIFY=1). `make test` carries out a part of
/// each.
package let hasLongChecks = ProcessInfo.processInfo.environment["WORKBENCH_VERIFY"] != nil
