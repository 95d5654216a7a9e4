// swift-tools-version: 6.1
import PackageDescription

// A target depends only on targets above it in this list; see docs in README, "The rooms".
let package = Package(
  name: "workbench",
  products: [
    .executable(name: "workbench", targets: ["workbench"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CGSL",
      linkerSettings: [.linkedLibrary("gsl"), .linkedLibrary("gslcblas"), .linkedLibrary("m")]),
    .target(
      name: "CCompression",
      linkerSettings: [.linkedLibrary("z"), .linkedLibrary("zstd")]),
    .target(name: "CBranchless"),
    .target(name: "CFileSystem"),
    .target(name: "CPostgreSQL", linkerSettings: [.linkedLibrary("pq")]),
    .target(name: "CJansson", linkerSettings: [.linkedLibrary("jansson")]),
    .target(
      name: "Sampling",
      dependencies: ["CGSL", .product(name: "Crypto", package: "swift-crypto")]),
    .target(name: "Telemetry"),
    .target(
      name: "ScenarioModel",
      dependencies: ["Sampling", "Telemetry", .product(name: "Yams", package: "Yams")]),
    .target(name: "Simulation", dependencies: ["CBranchless", "Sampling", "Telemetry", "ScenarioModel"]),
    .target(name: "Aggregation", dependencies: ["Telemetry"]),
    .target(
      name: "Datasets",
      dependencies: [
        "CCompression", "CFileSystem", "CPostgreSQL", "Sampling", "Telemetry", "ScenarioModel", "Aggregation",
        .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .target(
      name: "Runs",
      dependencies: ["Datasets", .product(name: "Crypto", package: "swift-crypto")]),
    .target(
      name: "Verification",
      dependencies: ["CJansson", "Sampling", "Telemetry", "ScenarioModel", "Aggregation", "Datasets"]),
    .target(
      name: "Planning",
      dependencies: ["Sampling", "Telemetry", "ScenarioModel", "Simulation", "Aggregation"]),
    .target(
      name: "Calibration", dependencies: ["Sampling", "Telemetry", "ScenarioModel"]),
    .target(
      name: "DashboardServer",
      dependencies: [
        "Telemetry", "Simulation", "Aggregation", "Datasets",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Hummingbird", package: "hummingbird"),
      ],
      resources: [.copy("Web")]),
    .executableTarget(
      name: "workbench",
      dependencies: [
        "Sampling", "Telemetry", "ScenarioModel", "Simulation", "Aggregation", "Datasets", "Runs",
        "Verification", "Planning", "Calibration", "DashboardServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [.copy("Catalogue")]),

    .executableTarget(
      name: "pipeline-benchmark",
      dependencies: ["Telemetry", "ScenarioModel", "Simulation", "Aggregation", "Datasets"],
      path: "Benchmarks/Pipeline"),

    .target(
      name: "TestSupport",
      dependencies: ["Telemetry", "ScenarioModel", "Simulation", "Datasets"], path: "Tests/TestSupport",
      exclude: ["zone_oracle.py"]),
    .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", "TestSupport"]),
    .testTarget(name: "SamplingTests", dependencies: ["CGSL", "Sampling"]),
    .testTarget(
      name: "ScenarioModelTests",
      dependencies: ["ScenarioModel", "Telemetry", "TestSupport", .product(name: "Yams", package: "Yams")]),
    .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Sampling", "TestSupport"]),
    .testTarget(name: "AggregationTests", dependencies: ["Aggregation", "TestSupport"]),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "ScenarioModel", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "VerificationTests",
      dependencies: ["Verification", "Aggregation", "Simulation", "Sampling", "ScenarioModel", "TestSupport"]),
    .testTarget(
      name: "PlanningTests",
      dependencies: ["Planning", "Aggregation", "Sampling", "ScenarioModel", "Simulation", "TestSupport"]),
    .testTarget(
      name: "CalibrationTests",
      dependencies: ["Calibration", "Sampling", "ScenarioModel", "Simulation", "Telemetry", "TestSupport"]),
    .testTarget(
      name: "DashboardServerTests",
      dependencies: [
        "DashboardServer", "Datasets", "ScenarioModel", "Simulation", "Telemetry", "TestSupport",
      ]),
    .testTarget(
      name: "WorkbenchTests",
      dependencies: [
        "workbench", "ScenarioModel", "Simulation", "Aggregation", "Telemetry", "Verification", "Datasets",
        "TestSupport",
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// `make fuzz`: needs libFuzzer, which a plain build does not.
if Context.environment["WORKBENCH_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Telemetry", "ScenarioModel", "Aggregation", "Datasets", "Runs", "Verification", "Planning",
        "Calibration",
      ],
      path: "Tests/Fuzz",
      exclude: ["corpus"], swiftSettings: [.swiftLanguageMode(.v5)]))
}
