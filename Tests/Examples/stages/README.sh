# What a reader of README has: an export and its mapping, answers of a product, a fleet, runs of two months, a folder of scenarios.
mkdir .stage && cd .stage
workbench init week.yaml > /dev/null
workbench fixture week.yaml -o ../YOURS --requests 500 --quiet
workbench run week.yaml --seed 7 -o ../after --quiet
echo 'targetUtilisation: { target: 0.7 }' > ../hpa.yaml
cat > chat.yaml <<'YAML'
workbench: 1
name: chat
seed: 3
period: { from: 2026-03-02T10:00:00Z, to: 2026-03-02T11:00:00Z }
account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 6 } }
models:
  - name: chat
    kind: openSource
    load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: { lognormal: { median: 300, sigma: 0.6 } }, output: { lognormal: { median: 80, sigma: 0.5 } } } }
    deployments:
      - { version: V1, deployAt: 2026-03-01, hardware: A10 single, scaling: { minReplicas: 2, maxReplicas: 2, maxBatchSize: 4 }, service: { firstToken: 120ms, perOutputToken: 15ms } }
YAML
workbench run chat.yaml -o chat --quiet
cut -d, -f2,5-11 chat/telemetry/requests.csv > ../export.csv
cat > ../map.yaml <<'YAML'
workbenchMapping: 1
account: { name: acme, credits: { A10 single: 2.118 }, maxReplicas: 8 }
deployments: [ { hardware: A10 single, replicas: 2, maxBatchSize: 4 } ]
columns:
  arrivedAt: { column: arrived_at, format: iso }
  status: { column: status, success: [ success ] }
  waiting: { column: waiting_us, unit: us }
  firstToken: { column: ttft_us, unit: us }
  latency: { column: latency_us, unit: us }
  inputTokens: input_tokens
  outputTokens: output_tokens
  model: { constant: chat }
  version: { constant: V1 }
  kind: { constant: openSource }
YAML
cd ..
cp Scenarios/many-accounts.yaml fleet.yaml
for month in 1 2; do
  workbench run .stage/chat.yaml --set period.from=2026-0$month-01 --set period.to=2026-0$month-02 --set models.chat.deployments.V1.deployAt=2025-12-01 -o month$month --quiet
done
mv month1 january && mv month2 february
cat > tolerances.yaml <<'YAML'
workbenchTolerances: 1
rules: [ { path: latency.**, relative: 1% } ]
YAML
rm Scenarios && mkdir Scenarios && cp .stage/chat.yaml Scenarios/chat.yaml
git init --quiet .
