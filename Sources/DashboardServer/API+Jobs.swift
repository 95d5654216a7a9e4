import Foundation
import Hummingbird
import NIOCore

/// Jobs: what they are doing, and how they are ended.
extension API {
  func addJobs(to api: RouterGroup<ConnectedContext>) {
    api.get("jobs") { _, _ in try json(jobs.all) }
    api.get("jobs/:job") { _, context in try json(try jobs.job(try context.parameters.require("job"))) }
    api.delete("jobs/:job") { _, context in
      try json(try jobs.cancel(try context.parameters.require("job")))
    }
    api.get("jobs/:job/events") { _, context in
      let id = try context.parameters.require("job")
      _ = try jobs.job(id)
      return events(of: id)
    }
    api.get("jobs/:job/file") { _, context in
      try await download(try jobs.file(try context.parameters.require("job")))
    }
    api.delete("jobs/:job/file") { _, context in
      try json(try jobs.deleteFile(of: try context.parameters.require("job")))
    }
  }

  /// The answer to the request that starts a job.
  func started(_ job: JobDescription) throws -> Response {
    var response = try json(job)
    response.status = .accepted
    response.headers[.location] = "/api/jobs/\(job.id)"
    return response
  }

  /// Server-sent events: the job whenever it has changed, looked at four times a second, until it has ended.
  /// Source: WHATWG HTML, section 9.2.
  private func events(of id: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: .init { [jobs] writer in
        var last: JobDescription?
        var silent = 0
        while !Task.isCancelled {
          // One that was forgotten in the meantime has ended.
          guard let job = try? jobs.job(id) else { break }
          silent += 1
          if job != last {
            let data = try Self.encoded(job)
            try await writer.write(ByteBuffer(string: "data: \(String(decoding: data, as: UTF8.self))\n\n"))
            (last, silent) = (job, 0)
          } else if silent > 40 {
            // A comment from time to time shows that the connection is alive.
            try await writer.write(ByteBuffer(string: ": still here\n\n"))
            silent = 0
          }
          if job.hasEnded { break }
          try await Task.sleep(for: .milliseconds(250))
        }
        try await writer.finish(nil)
      })
  }

  /// A file as a download, read piece by piece.
  private func download(_ file: JobOutcome.File) async throws -> Response {
    guard let handle = FileHandle(forReadingAtPath: file.path) else {
      throw Problem.notFound("The file is gone.")
    }
    let size = Int(try handle.seekToEnd())
    try handle.seek(toOffset: 0)
    return Response(
      status: .ok,
      headers: [.contentType: file.type, .contentDisposition: "attachment; filename=\"\(file.name)\""],
      body: .init(contentLength: size) { [queues] writer in
        // Keeps the file on the disk while it is being read, then closes it.
        defer { withExtendedLifetime(file.owner) { handle.closeFile() } }
        while let piece = try await queues.long.run({ _ in try handle.read(upToCount: 256 << 10) }),
          !piece.isEmpty
        {
          try await writer.write(ByteBuffer(bytes: piece))
        }
        try await writer.finish(nil)
      })
  }
}
