import Foundation
import Hummingbird
import Studio

/// The folder of scenarios.
extension API {
  func addScenarios(_ folder: ScenarioFolder, to api: RouterGroup<ConnectedContext>) {
    api.get("scenarios") { _, _ in try await queues.long.run { _ in try json(folder.list().map(Self.tagged)) }
    }
    api.get("scenarios/:name") { _, context in
      let name = try QueryItems.part(try context.parameters.require("name"))
      let (text, version) = try await queues.long.run { _ in try folder.read(name) }
      return Response(
        status: .ok, headers: [.contentType: "application/yaml; charset=utf-8", .eTag: Self.tag(version)],
        body: .init(byteBuffer: .init(bytes: text)))
    }
    api.get("scenarios/:name/parameters") { request, context in
      let name = try QueryItems.part(try context.parameters.require("name"))
      let text = try await queues.long.run { _ in try folder.read(name).text }
      return try await parameters(request, ScenarioText(name: name, text: text, folder: folder.path))
    }
    api.put("scenarios/:name") { request, context in
      let name = try QueryItems.part(try context.parameters.require("name"))
      let expected = try Self.expected(request)
      let text = try await request.bytes(most: studio?.limits.scenarioBytes ?? 0)
      let (version, isNew) = try await queues.long.run { _ in
        try folder.write(name, text, expecting: expected)
      }
      var response = try json(["name": name, "version": Self.tag(version)])
      response.status = isNew ? .created : .ok
      response.headers[.eTag] = Self.tag(version)
      return response
    }
  }

  private static func tag(_ version: String) -> String { "\"\(version)\"" }

  private static func tagged(_ entry: ScenarioFolder.Entry) -> ScenarioFolder.Entry {
    var entry = entry
    entry.version = tag(entry.version)
    return entry
  }

  /// The version that the writer expects to replace. Source: RFC 9110, section 13.
  private static func expected(_ request: Request) throws -> ScenarioFolder.Expected {
    switch (request.headers[.ifMatch], request.headers[.ifNoneMatch]) {
    case (let match?, nil): return .version(match.trimmingCharacters(in: ["\"", " "]))
    case (nil, "*"?): return .nothing
    default:
      throw Problem(
        title: "Precondition required", status: 428,
        detail:
          "Say which version to replace: If-Match with the ETag that was read, or If-None-Match: * for a new scenario."
      )
    }
  }
}
