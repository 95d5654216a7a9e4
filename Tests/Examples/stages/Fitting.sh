# Telemetry of a platform: an import in which a model `chat` is one of two.
cat > .platform.yaml <<'YAML'
workbench: 1
name: platform
seed: 5
period: { from: 2026-01-12T08:00:00Z, to: 2026-01-12T12:00:00Z }
account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 6 } }
models:
  - name: chat
    kind: openSource
    load: { arrivals: { gamma: { rate: 0.5/s, cv: 1.5 } }, tokens: { input: { lognormal: { median: 300, sigma: 0.6 } }, output: { lognormal: { median: 80, sigma: 0.5 } } } }
    deployments:
      - { version: V1, deployAt: 2026-01-01, hardware: A10 single, scaling: { minReplicas: 2, maxReplicas: 2, maxBatchSize: 4 }, service: { firstToken: 120ms, perOutputToken: 15ms } }
  - name: gpt
    kind: external
    provider: OpenAI
    load: { arrivals: { poisson: { rate: 0.1/s } }, tokens: { input: { lognormal: { median: 700, sigma: 0.8 } }, output: { lognormal: { median: 150, sigma: 0.7 } } } }
    service: { firstToken: { lognormal: { median: 320ms, sigma: 0.4 } }, perOutputToken: 9ms }
YAML
workbench run .platform.yaml -o Outputs/platform --quiet
