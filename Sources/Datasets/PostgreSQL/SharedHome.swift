import Foundation
import Hashing
import Telemetry

/// A PostgreSQL database as a home for the runs and plans of many people.
///
/// A run is its files; contents are kept once, by their SHA-256, in chunks. A run's name there is the SHA-256 of its
/// manifest (of a plan, of plan.json), which holds those of its files, so that the same run is one run, no matter who
/// pushes it. Everything of a push happens in one transaction.
package final class SharedHome {
  /// A run or a plan in the home.
  package struct Entry: Codable, Equatable, Sendable {
    /// SHA-256 of its manifest.
    package var id: String
    /// `run` or `plan`.
    package var kind: String
    package var name: String
    package var program: String
    package var pushedBy: String
    /// RFC 3339, UTC.
    package var pushedAt: String
    package var note: String
    package var bytes: Int64
  }

  package static let defaultSchema = "workbench"
  /// Of what a file is cut into.
  private static let chunkSize = 4 << 20

  /// What each version adds to the one before; a migration, once published, never changes.
  private static let migrations = [
    """
    CREATE TABLE runs (
      id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{64}$'), kind text NOT NULL CHECK (kind IN ('run', 'plan')),
      name text NOT NULL, program text NOT NULL, manifest json NOT NULL, bytes bigint NOT NULL,
      pushed_by text NOT NULL DEFAULT session_user, pushed_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE files (
      run_id text NOT NULL REFERENCES runs ON DELETE CASCADE, path text NOT NULL, sha256 text NOT NULL,
      bytes bigint NOT NULL, PRIMARY KEY (run_id, path));
    CREATE TABLE pieces (sha256 text NOT NULL, number int NOT NULL, data bytea NOT NULL, PRIMARY KEY (sha256, number));
    """,
    """
    ALTER TABLE runs ADD COLUMN note text NOT NULL DEFAULT '';
    CREATE INDEX runs_by_name ON runs (name, pushed_at DESC);
    """,
  ]

  package let name: String
  private let connection: PostgreSQLConnection
  /// Quoted.
  private let schema: String

  /// Whether an address is that of a home, rather than of a data set.
  /// - Throws: `NotFoundError` if the server cannot be reached.
  package static func isOne(_ address: String) throws -> Bool {
    guard let location = PostgreSQLLocation(address, defaultSchema: defaultSchema) else { return false }
    return try hasVersion(try PostgreSQLConnection(location))
  }

  private static func hasVersion(_ connection: PostgreSQLConnection) throws -> Bool {
    try connection.execute(
      "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'home_version'",
      .text(connection.location.schema)) != nil
  }

  /// - Parameter creating: makes the schema, or brings it up to this program's version.
  /// - Throws: `NotFoundError` if there is no such home, `DatasetError` if it is of a newer program.
  package init(_ address: String, creating: Bool) throws {
    guard let location = PostgreSQLLocation(address, defaultSchema: Self.defaultSchema) else {
      throw NotFoundError(
        address, "a home for runs is a PostgreSQL address: postgres://USER@HOST/DATABASE[?schema=NAME].")
    }
    name = location.name
    schema = try location.quotedSchema
    connection = try PostgreSQLConnection(location)
    if creating {
      try migrate()
    } else if try !Self.hasVersion(connection) {
      throw NotFoundError(
        name, "no run has been pushed there yet: \"workbench push RUN \(name)\" creates the home.")
    }
    let version = try version()
    guard version <= Self.migrations.count else {
      throw DatasetError(
        name,
        "the home has version \(version); this program knows up to \(Self.migrations.count). Use a newer program."
      )
    }
    guard version == Self.migrations.count else {
      throw DatasetError(
        name,
        "the home has version \(version), of an older program. The next \"workbench push\" migrates it."
      )
    }
    try connection.execute("SET search_path = \(schema), pg_catalog")
  }

  private func version() throws -> Int {
    try connection.execute("SELECT max(version) FROM \(schema).home_version").flatMap(Int.init) ?? 0
  }

  /// One program at a time: the lock is held until the transaction ends.
  private func migrate() throws {
    try transaction {
      try connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('workbench home ' || $1))",
        .text(connection.location.schema))
      if try !Self.hasVersion(connection) {
        try connection.execute("CREATE SCHEMA IF NOT EXISTS \(self.schema)")
        try connection.execute(
          "CREATE TABLE \(self.schema).home_version (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
      }
      let version = try version()
      guard version < Self.migrations.count else { return }
      try connection.execute("SET LOCAL search_path = \(self.schema), pg_catalog")
      for (index, migration) in Self.migrations.enumerated().dropFirst(version) {
        try connection.execute(migration)
        try connection.execute("INSERT INTO home_version (version) VALUES (\(index + 1))")
      }
    }
  }

  private func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try connection.execute("BEGIN")
    do {
      let result = try body()
      try connection.execute("COMMIT")
      return result
    } catch {
      // What failed says more than a rollback that fails as well.
      _ = try? connection.execute("ROLLBACK")
      throw error
    }
  }

  // MARK: Stored runs

  /// The newest first.
  package func entries() throws -> [Entry] {
    try connection.rows(
      """
      SELECT id, kind, name, program, pushed_by, to_char(pushed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), note, bytes
      FROM runs ORDER BY pushed_at DESC, id
      """
    ).map {
      Entry(
        id: $0[0], kind: $0[1], name: $0[2], program: $0[3], pushedBy: $0[4], pushedAt: $0[5], note: $0[6],
        bytes: Int64($0[7]) ?? 0)
    }
  }

  /// By its id, the beginning of it, or its name (the newest of that name).
  /// - Throws: `NotFoundError`.
  package func entry(_ wanted: String) throws -> Entry {
    let all = try entries()
    let byID = all.filter { wanted.utf8.count >= 4 && $0.id.utf8.starts(with: wanted.utf8) }
    if byID.count > 1 {
      throw NotFoundError(name, "\(byID.count) runs have an id that begins with \(wanted). Give more of it.")
    }
    guard let found = byID.first ?? all.first(where: { Name.same($0.name, wanted) }) else {
      throw NotFoundError(
        name, "there is no run \"\(wanted)\". \"workbench pull \(name)\" lists its runs.")
    }
    return found
  }

  // MARK: Push

  /// What a directory would be in the home.
  private struct Candidate {
    var kind: String
    var id: String
    var name: String
    var program: String
    var manifest: Data
    /// Path, SHA-256, bytes; by path.
    var files: [(path: String, sha256: String, bytes: Int64)]
  }

  /// - Throws: `DatasetError` if files do not fit the manifest.
  private static func candidate(_ directory: String) throws -> Candidate {
    let isPlan = FileKind(of: directory + "/plan.json") != nil
    let main = isPlan ? "plan.json" : "manifest.json"
    guard isPlan || FileKind(of: "\(directory)/\(main)") != nil else {
      throw NotFoundError(
        directory, "this is neither a run nor a plan: it has no manifest.json and no plan.json.")
    }
    let data = try ContainedPath(main, in: directory).contents()
    let vouched = try VouchedFiles(isPlan: isPlan, main: data, in: directory, shown: directory)
    // Only files that the manifest lists: others beside them are not pushed.
    var files: [(path: String, sha256: String, bytes: Int64)] = []
    for name in vouched.digests.keys.sorted() + [main] where FileKind(of: "\(directory)/\(name)") != nil {
      let (sha256, bytes) = try ContainedPath(name, in: directory).digest()
      files.append((name, sha256, bytes))
    }
    files.sort { $0.path < $1.path }
    try vouched.check(
      Dictionary(files.map { ($0.path, $0.sha256) }, uniquingKeysWith: { first, _ in first }), isPlan: isPlan,
      shown: directory)
    return Candidate(
      kind: isPlan ? "plan" : "run", id: SHA256.hash(data: data).hexadecimal,
      name: vouched.name.isEmpty ? URL(fileURLWithPath: directory).lastPathComponent : vouched.name,
      program: vouched.program, manifest: data, files: files)
  }

  /// Stores a run or a plan. If it is stored already, it is checked, and repaired where it does not match its hash.
  /// - Parameter progress: called with the share that is done.
  /// - Returns: its id, whether it is new, and how many contents were damaged.
  package func push(
    _ directory: String, note: String, progress: (Double) -> Void = { _ in }
  ) throws -> (id: String, isNew: Bool, bytes: Int64, repaired: Int) {
    let candidate = try Self.candidate(directory)
    let bytes = candidate.files.reduce(0) { $0 + $1.bytes }
    var repaired = 0
    let isNew = try transaction {
      // Another push of the same run waits here, and then finds it stored.
      let made = try connection.execute(
        """
        INSERT INTO runs (id, kind, name, program, manifest, bytes, note)
        VALUES ($1, $2, $3, $4, $5::json, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING 1
        """, .text(candidate.id), .text(candidate.kind), .text(candidate.name), .text(candidate.program),
        .text(String(decoding: candidate.manifest, as: UTF8.self)), .integer(bytes), .text(note))
      if made == nil {
        // What the home says of a run that it has may be damaged as well.
        try connection.execute(
          """
          UPDATE runs SET kind = $2, name = $3, program = $4, manifest = $5::json, bytes = $6,
            note = CASE WHEN $7 = '' THEN note ELSE $7 END
          WHERE id = $1
          """,
          .text(candidate.id), .text(candidate.kind), .text(candidate.name), .text(candidate.program),
          .text(String(decoding: candidate.manifest, as: UTF8.self)), .integer(bytes), .text(note))
        try connection.execute("DELETE FROM files WHERE run_id = $1", .text(candidate.id))
      }
      for file in candidate.files {
        try connection.execute(
          "INSERT INTO files VALUES ($1, $2, $3, $4)", .text(candidate.id), .text(file.path),
          .text(file.sha256), .integer(file.bytes))
      }
      // In the order of contents, so that two who push runs with files in common never wait for each other.
      var done: Int64 = 0
      var last = ""
      for file in candidate.files.sorted(by: { $0.sha256 < $1.sha256 }) where file.sha256 != last {
        last = file.sha256
        if try pushChunks(try ContainedPath(file.path, in: directory), file.sha256), made == nil {
          repaired += 1
        }
        done += file.bytes
        progress(Double(done) / Double(max(bytes, 1)))
      }
      return made != nil
    }
    return (candidate.id, isNew, bytes, repaired)
  }

  /// Puts a content there: those of its chunks that are not there as they should be.
  /// - Returns: whether there were any.
  private func pushChunks(_ contained: ContainedPath, _ sha256: String) throws -> Bool {
    // The server hashes what it has, so that nothing sound is sent twice.
    let present = Dictionary(
      try connection.rows(
        "SELECT number, encode(sha256(data), 'hex') FROM pieces WHERE sha256 = $1", .text(sha256)
      ).map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
    var hasChanged = false
    let path = contained.path
    let opened = try contained.open()
    let file = FileHandle(fileDescriptor: opened.descriptor, closeOnDealloc: false)
    defer { withExtendedLifetime(opened) {} }
    var hash = SHA256()
    var number = 0
    while let chunk = try file.read(upToCount: Self.chunkSize), !chunk.isEmpty {
      hash.update(data: chunk)
      if present["\(number)"] != SHA256.hash(data: chunk).hexadecimal {
        hasChanged = true
        try connection.execute(
          """
          INSERT INTO pieces VALUES ($1, $2, $3)
          ON CONFLICT (sha256, number) DO UPDATE SET data = EXCLUDED.data
          """, .text(sha256), .integer(number), .bytes(chunk))
      }
      number += 1
    }
    guard hash.finalize().hexadecimal == sha256 else {
      throw DatasetError(path, "the file changed while it was read. Push again when nothing writes to it.")
    }
    // Chunks beyond the end do not belong to it.
    if present.keys.contains(where: { Int($0) ?? .max >= number }) {
      hasChanged = true
      try connection.execute(
        "DELETE FROM pieces WHERE sha256 = $1 AND number >= $2", .text(sha256), .integer(number))
    }
    return hasChanged
  }

  // MARK: Pull

  /// The files of an entry, if they are those that its identifier stands for: others write to the database, too.
  /// - Throws: `DatasetError`.
  private func soundFiles(of entry: Entry) throws -> [[String]] {
    let digits = Set("0123456789abcdef".utf8)
    guard entry.id.utf8.count == 64, entry.id.utf8.allSatisfy(digits.contains),
      ["run", "plan"].contains(entry.kind)
    else {
      throw DatasetError(
        name,
        "an entry's identifier is not the hash of a manifest. The administrator of the database must delete it."
      )
    }
    let files = try connection.rows(
      "SELECT path, sha256, bytes FROM files WHERE run_id = $1 ORDER BY path", .text(entry.id))
    let main = entry.kind == "plan" ? "plan.json" : "manifest.json"
    guard files.contains(where: { $0[0] == main && $0[1] == entry.id }) else {
      throw DatasetError(
        name,
        "\(main) of run \(entry.id.prefix(12)) is missing, or is not the one that the run is named after. Push the original run again."
      )
    }
    return files
  }

  /// Copies a run or a plan to a directory, which must not exist; every file is checked by its hash.
  /// - Parameter skipsRequests: leaves out the requests table, which figures do not need.
  package func pull(
    _ entry: Entry, to path: String, existing: StagedDirectory.Existing = .refused,
    skipsRequests: Bool = false, progress: (Double) -> Void = { _ in }
  ) throws {
    let files = try soundFiles(of: entry)
    let staged = try StagedDirectory(path, existing: existing)
    var done: Int64 = 0
    for file in files {
      let (name, sha256) = (file[0], file[1])
      // A database that others write to must not name files elsewhere.
      if let problem = ContainedPath.problem(with: name) {
        throw DatasetError(
          self.name,
          "run \(entry.id.prefix(12)) names a file that cannot be inside it: \(problem). Push the run again."
        )
      }
      if skipsRequests, name.contains("telemetry/requests.") { continue }
      let output = try staged.file(name)
      var number = 0
      while let text = try connection.execute(
        "SELECT encode(data, 'base64') FROM pieces WHERE sha256 = $1 AND number = $2", .text(sha256),
        .integer(number))
      {
        guard let chunk = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
          throw DatasetError(self.name, "a chunk of \(name) is damaged.")
        }
        try output.write(chunk)
        done += Int64(chunk.count)
        number += 1
        progress(Double(done) / Double(max(entry.bytes, 1)))
      }
      guard try output.close() == sha256 else {
        throw DatasetError(
          self.name,
          "\(name) of run \(entry.id.prefix(12)) is damaged: its content does not match its hash. Push the original run again."
        )
      }
    }
    // The manifest or plan.json, which the identifier vouches for, vouches for the rest.
    let isPlan = entry.kind == "plan"
    let main = isPlan ? "plan.json" : "manifest.json"
    let vouched = try VouchedFiles(
      isPlan: isPlan, main: try ContainedPath(main, in: staged.path).contents(), in: staged.path,
      shown: "\(name), \(entry.kind) \(entry.id.prefix(12))")
    let listed = Dictionary(files.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
      .filter { $0.key != main }
    guard listed == vouched.digests else {
      throw DatasetError(
        name,
        "\(entry.kind) \(entry.id.prefix(12)) does not have the files that it should have. Push the original again."
      )
    }
    try staged.finish()
  }
}
