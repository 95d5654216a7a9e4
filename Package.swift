// swift-tools-version: 6.2
import PackageDescription

/// What Hummingbird is made of, pinned like everything else that is compiled: a repository, its version, and a product
/// that Hummingbird links anyway.
let hummingbirdParts: [(repository: String, version: Version, product: String)] = [
  ("apple/swift-async-algorithms", "1.1.4", "AsyncAlgorithms"),
  ("apple/swift-atomics", "1.3.0", "Atomics"),
  ("apple/swift-collections", "1.6.0", "DequeModule"),
  ("apple/swift-distributed-tracing", "1.7.3", "Tracing"),
  ("apple/swift-http-types", "1.8.0", "HTTPTypes"),
  ("apple/swift-log", "1.16.2", "Logging"),
  ("apple/swift-metrics", "2.13.0", "Metrics"),
  ("apple/swift-nio", "2.101.2", "NIOCore"),
  ("apple/swift-nio-extras", "1.35.2", "NIOHTTPTypesHTTP1"),
  ("apple/swift-service-context", "1.5.1", "ServiceContextModule"),
  ("apple/swift-system", "1.8.1", "SystemPackage"),
  ("swift-server/swift-service-lifecycle", "2.13.0", "ServiceLifecycle"),
]

// A target depends only on targets above it in this list; see ARCHITECTURE.md.
let package = Package(
  name: "workbench",
  products: [
    .executable(name: "workbench", targets: ["workbench"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    // Without its trait for configuration files, which nothing here reads and which takes long to compile.
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: ["FullFoundation"]),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ]
    + hummingbirdParts.map { .package(url: "https://github.com/\($0.repository)", exact: $0.version) },
  targets: [
    .target(
      name: "CGSL",
      linkerSettings: [.linkedLibrary("gsl"), .linkedLibrary("gslcblas"), .linkedLibrary("m")]),
    .target(
      name: "CCompression",
      linkerSettings: [.linkedLibrary("z"), .linkedLibrary("zstd")]),
    .target(name: "CLibcrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CBranchless"),
    .target(name: "CFileSystem"),
    .target(name: "CPostgreSQL", linkerSettings: [.linkedLibrary("pq")]),
    .target(name: "CJansson", linkerSettings: [.linkedLibrary("jansson")]),
    .target(name: "Hashing", dependencies: ["CLibcrypto"]),
    .target(name: "Sampling", dependencies: ["CGSL", "Hashing"]),
    .target(name: "Telemetry"),
    .target(
      name: "Documents", dependencies: ["Telemetry", .product(name: "Yams", package: "Yams")]),
    .target(
      name: "ScenarioModel", dependencies: ["Documents", "Sampling", "Telemetry"],
      resources: [.copy("Serving")]),
    .target(
      name: "Simulation",
      dependencies: [
        "CBranchless", "Sampling", "Telemetry", "ScenarioModel",
        .product(name: "DequeModule", package: "swift-collections"),
      ]),
    .target(name: "Aggregation", dependencies: ["Documents", "Telemetry", "ScenarioModel"]),
    .target(
      name: "Datasets",
      dependencies: [
        "CCompression", "CFileSystem", "CPostgreSQL", "Documents", "Hashing", "Sampling", "Telemetry",
        "ScenarioModel",
        "Aggregation",
        .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),
    .target(
      name: "Runs",
      dependencies: [
        "Documents", "Hashing", "Telemetry", "ScenarioModel", "Simulation", "Aggregation", "Datasets",
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      resources: [.copy("Catalogue")]),
    .target(
      name: "Verification",
      dependencies: [
        "CJansson", "Documents", "Sampling", "Telemetry", "ScenarioModel", "Aggregation", "Datasets",
        .product(name: "HeapModule", package: "swift-collections"),
      ]),
    .target(
      name: "Planning",
      dependencies: [
        "Documents", "Hashing", "Sampling", "Telemetry", "ScenarioModel", "Simulation", "Aggregation",
        "Datasets", "Runs",
      ]),
    .target(
      name: "Calibration",
      dependencies: [
        "Documents", "Sampling", "Telemetry", "ScenarioModel", "Simulation",
        .product(name: "HeapModule", package: "swift-collections"),
      ]),
    .target(
      name: "Studio",
      dependencies: [
        "Documents", "Hashing", "Telemetry", "ScenarioModel", "Simulation", "Aggregation", "Datasets", "Runs",
        "Planning",
      ]),
    .target(
      name: "DashboardServer",
      dependencies: [
        "CCompression", "Documents", "Hashing", "Telemetry", "ScenarioModel", "Simulation", "Aggregation",
        "Datasets", "Runs", "Verification", "Planning", "Studio",
        .product(name: "Hummingbird", package: "hummingbird"),
      ]
        + hummingbirdParts.map { part in
          let name = part.repository.split(separator: "/")[1]
          return .product(name: part.product, package: String(name))
        },
      resources: [.copy("Web")]),
    .executableTarget(
      name: "workbench",
      dependencies: [
        "Documents", "Sampling", "Telemetry", "ScenarioModel", "Aggregation", "Datasets", "Runs",
        "Verification", "Planning", "Calibration", "Studio", "DashboardServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .executableTarget(
      name: "pipeline-benchmark",
      dependencies: ["Telemetry", "ScenarioModel", "Simulation", "Aggregation", "Datasets"],
      path: "Benchmarks/Pipeline"),

    .target(
      name: "TestSupport",
      dependencies: ["Telemetry", "ScenarioModel", "Simulation", "Datasets"], path: "Tests/TestSupport",
      exclude: ["zone_oracle.py"]),
    .testTarget(name: "HashingTests", dependencies: ["Hashing"]),
    .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", "TestSupport"]),
    .testTarget(name: "SamplingTests", dependencies: ["CGSL", "Sampling"]),
    .testTarget(
      name: "DocumentsTests",
      dependencies: [
        "Documents", "Telemetry", "TestSupport", .product(name: "Yams", package: "Yams"),
      ]),
    .testTarget(
      name: "ScenarioModelTests",
      dependencies: ["Documents", "ScenarioModel", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: ["Simulation", "Sampling", "ScenarioModel", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "AggregationTests", dependencies: ["Aggregation", "ScenarioModel", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "DatasetsTests",
      dependencies: ["Datasets", "Documents", "ScenarioModel", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "RunsTests",
      dependencies: [
        "Runs", "Datasets", "Documents", "Hashing", "ScenarioModel", "Simulation", "Telemetry",
        "Verification",
        "TestSupport",
      ]),
    .testTarget(
      name: "VerificationTests",
      dependencies: [
        "Verification", "Aggregation", "Datasets", "Documents", "Simulation", "Sampling", "ScenarioModel",
        "Telemetry",
        "TestSupport",
      ]),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "Planning", "Aggregation", "Datasets", "Sampling", "ScenarioModel", "Simulation", "Telemetry",
        "TestSupport",
      ]),
    .testTarget(
      name: "CalibrationTests",
      dependencies: ["Calibration", "Sampling", "ScenarioModel", "Simulation", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "DashboardServerTests",
      dependencies: [
        "DashboardServer", "Datasets", "Hashing", "Runs", "Studio", "TestSupport", "Verification",
      ]),
    .testTarget(
      name: "WorkbenchTests",
      dependencies: [
        "workbench", "Documents", "Hashing", "ScenarioModel", "Simulation", "Aggregation", "Telemetry",
        "Verification",
        "Datasets", "TestSupport",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// Tests are compiled faster than they would be optimised; what they test is optimised. Those that compute references
// themselves are as well.
let computing: Set = ["AggregationTests", "SamplingTests", "SimulationTests"]
for target in package.targets where target.type == .test && !computing.contains(target.name) {
  target.swiftSettings = [.unsafeFlags(["-Onone"], .when(configuration: .release))]
}

// `make package`: the runtime of Swift in the program, for machines without a toolchain. Nothing is compiled again.
// The libraries are those that Foundation's static library needs; no compiled file asks for them.
if Context.environment["WORKBENCH_STATIC"] != nil {
  let parts = [
    "CoreFoundation", "FoundationInternationalization", "FoundationEssentials", "_FoundationICU",
    "_FoundationCShims", "_FoundationCollections", "swift_StringProcessing", "swift_RegexParser",
    "swiftSynchronization",
  ]
  package.targets.first { $0.name == "workbench" }?.linkerSettings = [
    .unsafeFlags(["-static-stdlib", "-Xlinker", "--build-id=none"] + parts.map { "-l\($0)" })
  ]
}

// `make fuzz`: needs libFuzzer, which a plain build does not.
if Context.environment["WORKBENCH_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Telemetry", "Documents", "ScenarioModel", "Simulation", "Aggregation", "Datasets", "Runs",
        "Verification",
        "Planning",
        "Calibration",
      ],
      path: "Tests/Fuzz",
      exclude: ["corpus"], swiftSettings: [.swiftLanguageMode(.v5)]))
}
