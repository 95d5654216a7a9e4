import Documents
import Foundation
import Telemetry

/// A service that a scenario takes from a file: `service: { profile: llama-on-l4.yaml }`. It says of itself on which
/// hardware it holds, whether it is assumed, computed or calibrated, and from what.
///
/// A scenario is read as if the service stood in it: what a run keeps is the whole text, which needs no file.
package struct ServiceProfile: Sendable {
  package enum Basis: String, CaseIterable, Sendable {
    /// Somebody's estimate.
    case assumed
    /// From figures of the model and the hardware.
    case computed
    /// From measurements.
    case calibrated
  }

  package var name: String
  /// `nil`: whatever the deployment runs on.
  package var hardware: String?
  package var basis: Basis
  /// What it was computed from or calibrated on.
  package var source: String
  /// A checked mapping, as under `service`.
  private var service: DocumentNode

  // MARK: The file

  /// What tells a profile from a scenario.
  package static let versionKey = "workbenchProfile"

  static let shape = Shape(
    "profile", "The service of a replica, for scenarios that name this file: service: { profile: FILE }.",
    [
      Key(versionKey, .integer(1...1), required: true, "Version of this format."),
      Key("name", .text, required: true, "For people."),
      Key(
        "hardware", .text,
        "The hardware that it holds for. Without it: whatever a deployment runs on, so that plans cannot vary that."
      ),
      Key(
        "basis", .choice(Basis.allCases.map(\.rawValue)), required: true,
        "Whether it is assumed, computed from figures of model and hardware, or calibrated on measurements."),
      Key("source", .text, required: true, "What it was assumed, computed or calibrated from."),
      Key("service", .object { DeploymentService.ofOneHardware }, required: true, "As under service."),
    ])

  /// Whether a document is a profile, right or wrong.
  package static func isOne(_ data: Data) -> Bool {
    (try? Document.parse(data, path: ""))?.member(versionKey) != nil  // What is no document is none.
  }

  package static func schemaJSON() throws -> String {
    try DocumentSchema.json(shape, title: "Model Analytics Workbench service profile")
  }

  /// - Parameter path: for messages.
  /// - Throws: `DocumentErrors` with everything that is wrong.
  package init(_ data: Data, path: String) throws {
    let root = try Document.parse(data, path: path, remedies: Self.remedies)
    if root.member(Self.versionKey) == nil, let entries = root.entries {
      for entry in entries {
        guard let kind = Self.others[entry.key] else { continue }
        throw DocumentErrors(
          path: path,
          diagnostics: [
            Diagnostic(
              location: entry.keyLocation,
              message:
                "this is \(kind), not a service profile. Name a profile; \"workbench schema profile\" describes what one has."
            )
          ])
      }
    }
    let diagnostics = Diagnostics()
    let profile = Section(root, Self.shape, diagnostics, .utc).flatMap { keys -> ServiceProfile? in
      let hardware = keys.has("hardware") ? keys.text("hardware") : nil
      let service = keys.section("service").flatMap {
        DeploymentService.read($0, hardware: hardware, scaling: nil)
      }
      if service == nil, diagnostics.all.isEmpty {
        keys.error(
          "service", "what is computed for hardware needs to know which. Add hardware to the profile.")
      }
      guard keys.integer(Self.versionKey) != nil, let name = keys.text("name"),
        let basis = keys.choice("basis").flatMap({ Basis(rawValue: $0) }), let source = keys.text("source"),
        service != nil, let node = keys.node("service")
      else { return nil }
      return ServiceProfile(name: name, hardware: hardware, basis: basis, source: source, service: node)
    }
    let found = diagnostics.inOrder()
    guard found.isEmpty, let profile else { throw DocumentErrors(path: path, diagnostics: found) }
    self = profile
  }

  /// Other documents of the program, by what tells them apart.
  private static let others = [
    "workbench": "a scenario", "workbenchPlan": "a plan", "workbenchMapping": "a mapping of an import",
    "workbenchObjectives": "a file of objectives", "workbenchTolerances": "a file of tolerances",
  ]

  private static let remedies = Document.Remedies(
    empty: "\"workbench catalogue service\" prints a profile.",
    large: "A profile has a few lines: is it the right file?")

  private init(name: String, hardware: String?, basis: Basis, source: String, service: DocumentNode) {
    (self.name, self.hardware, self.basis, self.source) = (name, hardware, basis, source)
    self.service = service
  }

  /// A profile as a file.
  /// - Parameter heading: comments at its top.
  package static func text(
    name: String, hardware: String?, basis: Basis, source: String, service: YAMLValue,
    heading: [String] = []
  ) -> String {
    typealias Entry = YAMLValue.Entry
    return YAMLWriter.document(
      heading: heading,
      sections: [
        [Entry(versionKey, .integer(1)), Entry("name", .text(name))]
          + (hardware.map { [Entry("hardware", .text($0))] } ?? [])
          + [
            Entry("basis", .word(basis.rawValue)), Entry("source", .text(source)), Entry("service", service),
          ]
      ])
  }

  // MARK: In a scenario

  static let key = Key(
    "profile", .text,
    "Instead of the other keys: a file with the service, relative to the scenario, such as a fit can write."
  )

  /// What stands in place of `{ profile: FILE }`: an entry for its hardware, if it has one.
  /// - Parameter isOfHardware: whether it stands for one hardware already.
  private func node(at location: Location, isOfHardware: Bool) -> DocumentNode {
    let service = service.relocated(to: location)
    guard let hardware, !isOfHardware else { return service }
    return DocumentNode(
      value: .mapping([
        .init(
          key: DeploymentService.byHardware.name, keyLocation: location,
          value: DocumentNode(
            value: .mapping([.init(key: hardware, keyLocation: location, value: service)]), location: location
          ))
      ]), location: location)
  }

  /// Every place of a scenario where a profile may be named, changed.
  /// - Parameter change: gets a mapping of a service, and the hardware if it stands for one.
  private static func forEachService(
    of root: inout DocumentNode, _ change: (inout DocumentNode, _ hardware: String?) -> Void
  ) {
    func models(_ owner: inout DocumentNode) {
      owner.change("models") { models in
        models.changeElements { model in
          model.change("deployments") { deployments in
            deployments.changeElements { deployment in
              deployment.change("service") { service in
                service.change(DeploymentService.byHardware.name) { list in
                  guard case .mapping(var entries) = list.value else { return }
                  for index in entries.indices { change(&entries[index].value, entries[index].key) }
                  list.value = .mapping(entries)
                }
                change(&service, nil)
              }
            }
          }
        }
      }
    }
    models(&root)
    root.change("accounts") { accounts in accounts.changeElements { models(&$0) } }
  }

  /// Puts profiles in the places where a scenario names them.
  /// - Parameters:
  ///   - read: the bytes of a file that a scenario names.
  ///   - used: gets each profile with the name that the scenario gives it.
  static func resolve(
    in root: inout DocumentNode, _ diagnostics: Diagnostics, read: (String) throws -> Data,
    used: (String, ServiceProfile) -> Void
  ) {
    forEachService(of: &root) { service, hardware in
      guard let place = service.member(key.name) else { return }
      guard let file = place.scalar, !place.isNull, !file.isEmpty else {
        diagnostics.error(
          place.location, "\(key.name) is \(place.kindName), not the name of a file. Write profile: FILE.")
        return
      }
      // An override puts another service in the place of the whole.
      let isOverride = if case .override = place.location { true } else { false }
      let others = (service.entries ?? []).filter { $0.key != key.name }
      if let other = others.first, !isOverride {
        diagnostics.error(
          other.keyLocation,
          "\(key.name) and \(other.key) cannot be given together. A profile is the whole service: remove one, or change a copy of the profile."
        )
        return
      }
      do {
        let profile = try ServiceProfile(try read(file), path: file)
        if let hardware, let own = profile.hardware, !Name.same(own, hardware) {
          diagnostics.error(
            place.location,
            "\(quoted(file)) is a profile of \(quoted(own)), not of \(quoted(hardware)). Move it to \(quoted(own)), or remove hardware from a copy of the profile."
          )
          return
        }
        used(file, profile)
        diagnostics.files[place.location] = file
        service = profile.node(at: place.location, isOfHardware: hardware != nil)
      } catch let errors as DocumentErrors {
        for problem in errors.diagnostics {
          var line = ""
          if case .document(let row, let column)? = problem.location { line = ":\(row):\(column)" }
          diagnostics.error(place.location, "\(file.shown)\(line): \(problem.message)")
        }
      } catch {
        diagnostics.error(place.location, Diagnostic.embedded("\(error)"))
      }
    }
  }

  /// The files that a document names.
  static func named(in root: DocumentNode) -> [(file: String, location: Location)] {
    var root = root
    var files: [(String, Location)] = []
    forEachService(of: &root) { service, _ in
      if let place = service.member(key.name), let file = place.scalar, !place.isNull {
        files.append((file, place.location))
      }
    }
    return files
  }
}
