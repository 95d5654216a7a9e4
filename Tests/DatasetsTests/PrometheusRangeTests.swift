import Datasets
import Foundation
import Testing

@Suite("Answers of Prometheus to range queries")
struct PrometheusRangeTests {
  private static func read(_ text: String) throws -> PrometheusRange {
    try PrometheusRange(Data(text.utf8), path: "r.json")
  }

  @Test("series with their labels and samples, as the HTTP API documents them; NaN is no sample")
  func read() throws {
    let range = try Self.read(
      #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[1435781430.781,"1"],[1435781445.781,"NaN"],[1435781460.781,"0"]]}]},"warnings":["w"]}"#
    )
    #expect(range.series.count == 1 && range.series[0].text == #"{job="a"}"#)
    #expect(range.series[0].samples.map(\.at) == [1_435_781_430_781_000, 1_435_781_460_781_000])
    #expect(range.series[0].samples.map(\.value) == [1, 0])
  }

  @Test(
    "what is no such answer is refused with its place and a remedy",
    arguments: [
      ("[", "r.json: error: not JSON"), ("{}", "there is no data.result"),
      (#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, "did not succeed: parse error"),
      (#"{"data":{"resultType":"vector","result":[]}}"#, "the answer is a vector and not a matrix"),
      (#"{"data":{"resultType":"matrix","result":[]}}"#, "there is no sample"),
      (#"{"data":{"result":[{"metric":{}}]}}"#, "r.json, series 1: error: it has no metric or no values"),
      (
        #"{"data":{"result":[{"metric":{},"values":[[1, 2]]}]}}"#,
        "series 1, value 1: error: a sample must be"
      ),
      (
        #"{"data":{"result":[{"metric":{},"values":[[2,"1"],[1,"1"]]}]}}"#,
        "series 1, value 2: error: the samples are not in order of time"
      ),
      (#"{"data":{"result":[{"metric":{},"values":[[1767225600000,"1"]]}]}}"#, "not in seconds since 1970"),
    ])
  func refused(_ text: String, _ error: String) {
    #expect { try Self.read(text) } throws: { "\($0)".contains(error) }
  }
}
