/**
 * Documents as people have them, cut to their policies, with names and addresses replaced: what is read of each, and what its system
 * does. The numbers are those of the system's code or documentation, in milliseconds.
 */

/** A delay, or its shortest and its longest. */
export type Delay = number | readonly [shortest: number, longest: number]

/**
 * - `delays`: all of them, or the first ones where it `goesOn`; with short delays, where a limit in time makes that a difference
 * - `longest`: with long delays, where that is another number
 * - `slots`: the first ones from 2026-11-01 on
 */
export interface Policy {
  readonly name: string
  readonly delays?: ReadonlyArray<Delay>
  readonly longest?: ReadonlyArray<Delay>
  readonly goesOn?: true
  readonly slots?: ReadonlyArray<string>
  readonly attempt?: number
  readonly total?: number
}

/** A document: of which system, in which version, and where it comes from. Of those that are refused, the message. */
export interface Fixture {
  readonly file: string
  readonly system: string | undefined
  readonly version: string
  readonly source: string
  readonly as?: "otel"
  readonly policies?: ReadonlyArray<Policy>
  readonly refused?: string
}

const nothing =
  "there is no policy in it. What can be read: Kubernetes' wait.Backoff, gRPC's retryPolicy and hedgingPolicy, " +
  "Temporal's RetryPolicy, AWS Step Functions' Retry, OpenTelemetry's retry_on_failure, Argo CD's syncPolicy.retry, " +
  "Argo Workflows' retryStrategy, resilience4j.retry, Spring's retry properties, Envoy's retry_policy, Istio's retries, " +
  "Google Cloud Tasks' retryConfig, Google Pub/Sub's retryPolicy, GitHub's on.schedule, Kubernetes' CronJob, a crontab and " +
  "a policy of effect-wait"

export const fixtures: ReadonlyArray<Fixture> = [
  {
    file: "kubernetes-configmap.yaml",
    system: "kubernetes",
    version: "Tekton Pipelines 1.0",
    source: "tektoncd/pipeline config/config-wait-exponential-backoff.yaml",
    policies: [{ name: "backoff-of-the-api", delays: [10000, 20000] }]
  },
  {
    file: "kubernetes-event-source.yaml",
    system: "kubernetes",
    version: "Argo Events 1.9",
    source: "argoproj/argo-events examples/event-sources/amqp.yaml",
    policies: [{ name: "orders", delays: [[10000, 12000], [20000, 24000], [40000, 48000], [80000, 96000]] }]
  },
  {
    file: "kubernetes-sensor-trigger.yaml",
    system: "kubernetes",
    version: "Argo Events 1.9",
    source: "argoproj/argo-events examples/sensors/trigger-with-policy.yaml",
    policies: [{ name: "build", delays: [[1000, 1100], [2000, 2200], [4000, 4400], [8000, 8800]] }]
  },
  {
    file: "kubernetes-sensor-retry.yaml",
    system: "kubernetes",
    version: "Argo Events 1.9",
    source: "argoproj/argo-events examples/sensors/http-trigger.yaml",
    policies: [{ name: "call", delays: [[3000, 6000], [3000, 6000]] }]
  },
  {
    file: "kubernetes-sensor-steps.yaml",
    system: "kubernetes",
    version: "Argo Events 1.9",
    source: "argoproj/argo-events examples/sensors/calendar.yaml",
    policies: [{ name: "tick", delays: [[1000, 2000], [1000, 2000]] }]
  },
  {
    file: "kubernetes-go.json",
    system: "kubernetes",
    version: "client-go 0.37",
    source: "kubernetes/client-go util/retry/util.go (DefaultBackoff, as encoding/json writes it)",
    policies: [{ name: "", delays: [[10, 11], [50, 55], [250, 275]] }]
  },
  {
    file: "grpc-pubsub.json",
    system: "grpc",
    version: "googleapis 2026",
    source: "googleapis/googleapis google/pubsub/v1/pubsub_grpc_service_config.json",
    policies: [{
      name: "example.v1.Topics/Create, example.v1.Topics/Delete",
      delays: [[80, 120], [104, 156], [135.2, 202.8], [175.76, 263.64]],
      total: 60000
    }, { name: "example.v1.Topics/Publish", delays: [[80, 120], [320, 480], [1280, 1920], [5120, 7680]], total: 60000 }]
  },
  {
    file: "grpc-retrying.json",
    system: "grpc",
    version: "grpc-java 1.78",
    source: "grpc/grpc-java examples/src/main/resources/io/grpc/examples/retrying/retrying_service_config.json",
    policies: [{ name: "example.Greeter/Greet", delays: [[400, 600], [800, 1200], [1600, 2400], [3200, 4800]] }]
  },
  {
    file: "grpc-hedging.json",
    system: "grpc",
    version: "grpc-java 1.78",
    source: "grpc/grpc-java examples/src/main/resources/io/grpc/examples/hedging/hedging_service_config.json",
    policies: [{ name: "example.Greeter/Greet", delays: [1000, 1000] }]
  },
  {
    file: "grpc-go-spelling.json",
    system: "grpc",
    version: "grpc-go 1.85",
    source: "grpc/grpc-go examples/features/retry/client/main.go",
    policies: [{ name: "example.echo.Echo", delays: [[8, 12], [8, 12], [8, 12]] }]
  },
  {
    file: "grpc-gapic.json",
    system: "grpc",
    version: "googleapis 2026",
    source: "googleapis/googleapis google/cloud/apigateway/v1/apigateway_grpc_service_config.json",
    refused:
      "methodConfig[0].retryPolicy.maxAttempts is missing: gRPC's clients refuse such a policy. Google's own libraries read it, and retry until the timeout, line 6"
  },
  {
    file: "grpc-timeouts.json",
    system: "grpc",
    version: "googleapis 2026",
    source: "googleapis/googleapis google/appengine/v1/appengine_grpc_service_config.json",
    refused: "methodConfig has no retryPolicy and no hedgingPolicy, line 2"
  },
  {
    file: "temporal-history.json",
    system: "temporal",
    version: "Temporal 1.12, history",
    source: "temporalio/samples-go temporal-fixtures/rainbow-statuses/rainbowstatusesworkflow.json",
    policies: [{ name: "events[1].activityTaskScheduledEventAttributes", delays: [], attempt: 3600000 }]
  },
  {
    file: "temporal-typescript.yaml",
    system: "temporal",
    version: "TypeScript SDK 1.13",
    source: "temporalio/documentation docs/develop/typescript/failure-detection.mdx",
    policies: [{ name: "", delays: [10000, 20000, 40000, 80000], attempt: 30000, total: 300000 }]
  },
  {
    file: "temporal-dynamic-config.yaml",
    system: "temporal",
    version: "Temporal server 1.29",
    source: "temporalio/temporal common/dynamicconfig/constants.go (history.defaultActivityRetryPolicy)",
    policies: [{
      name: "history.defaultActivityRetryPolicy[0].value",
      delays: [1000, 2000, 4000, 8000, 16000, 32000, 64000, 100000, 100000],
      goesOn: true
    }]
  },
  {
    file: "temporal-schedule-to-close.json",
    system: "temporal",
    version: "Temporal 1.29",
    source: "temporalio/temporal tests/activity_test.go (policy of a history event)",
    policies: [{ name: "", delays: [1000, 2000, 4000, 8000, 16000], total: 60000 }]
  },
  {
    file: "temporal-seconds.json",
    system: "temporal",
    version: "Temporal protobuf",
    source: "temporalio/api temporal/api/common/v1/message.proto (RetryPolicy as an object of Durations)",
    policies: [{ name: "", delays: [2000, 3000, 4500] }]
  },
  {
    file: "step-functions-lambda.asl.json",
    system: "step-functions",
    version: "ASL",
    source:
      "aws-samples/step-functions-workflows-collection retry-with-exponential-backoff-sam/statemachine/statemachine.asl.json",
    policies: [{ name: "Charge", delays: [2000, 4000, 8000, 16000, 32000, 64000] }]
  },
  {
    file: "step-functions-jitter.json",
    system: "step-functions",
    version: "ASL",
    source: "docs.aws.amazon.com step-functions concepts-error-handling (MaxDelaySeconds and JitterStrategy)",
    policies: [{ name: " States.Timeout", delays: [[0, 3000], [0, 5000], [0, 5000], [0, 5000]], attempt: 30000 }, {
      name: " States.ALL",
      delays: [],
      attempt: 30000
    }]
  },
  {
    file: "step-functions-defaults.yaml",
    system: "step-functions",
    version: "ASL in YAML",
    source: "aws-samples/step-functions-workflows-collection dynamodb-import-json/statemachine/statemachine.asl.yaml",
    policies: [{ name: "Import", delays: [1000, 2000, 4000], total: 300000 }]
  },
  {
    file: "step-functions-sam.yaml",
    system: "step-functions",
    version: "CloudFormation",
    source: "aws-samples/step-functions-workflows-collection */template.yaml",
    policies: [{
      name: "Poll",
      delays: [
        5000,
        7000,
        9800,
        13720,
        19208,
        26891.2,
        37647.68,
        52706.752,
        73789.4528,
        103305.23392,
        144627.327488,
        202478.2584832,
        283469.56187648,
        396857.386627072,
        555600.3412779,
        777840.47778906,
        1088976.668904684,
        1524567.336466558,
        2134394.271053181,
        2988151.979474454
      ]
    }]
  },
  {
    file: "step-functions-two.asl.json",
    system: "step-functions",
    version: "ASL",
    source: "aws-samples/step-functions-workflows-collection simple-retry/statemachine/statemachine.asl.json",
    policies: [{ name: "Fetch ErrorA, ErrorB", delays: [1000, 2000], attempt: 5000 }, {
      name: "Fetch ErrorC",
      delays: [5000, 10000, 20000],
      attempt: 5000
    }]
  },
  {
    file: "step-functions-jsonata.json",
    system: "step-functions",
    version: "ASL with JSONata",
    source: "aws-samples/step-functions-workflows-collection (definitions with QueryLanguage JSONata)",
    refused: "States.Call.TimeoutSeconds is a template, {% $timeout %}: fill it in, line 8"
  },
  {
    file: "otel-exporter.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector exporter/otlpexporter/testdata/config.yaml",
    policies: [{
      name: "retry_on_failure",
      delays: [
        [3000, 17000],
        [3900, 22100],
        [5070, 28730],
        [6591, 37349],
        [8568.3, 48553.7],
        [11138.79, 63119.81],
        [14480.427, 82055.753],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000],
        [18000, 102000]
      ],
      longest: [
        [3000, 17000],
        [3900, 22100],
        [5070, 28730],
        [6591, 37349],
        [8568.3, 48553.7],
        [11138.79, 63119.81],
        [14480.427, 82055.753],
        [18000, 102000],
        [18000, 102000]
      ],
      attempt: 10000,
      total: 600000
    }]
  },
  {
    file: "otel-collector.yaml",
    system: "otel",
    version: "Collector 0.120",
    source: "public gist-like collector configuration (exporters with timeout and queue)",
    policies: [{
      name: "exporters.vendor.retry_on_failure",
      delays: [
        [2500, 7500],
        [3750, 11250],
        [5625, 16875],
        [8437.5, 25312.5],
        [12656.25, 37968.75],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000]
      ],
      longest: [
        [2500, 7500],
        [3750, 11250],
        [5625, 16875],
        [8437.5, 25312.5],
        [12656.25, 37968.75],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000]
      ],
      attempt: 30000,
      total: 300000
    }]
  },
  {
    file: "otel-e2e.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector internal/e2e/testdata/exporter_failure_attributes_test.yaml",
    policies: [{
      name: "exporters.otlp_http/test.retry_on_failure",
      delays: [
        [5, 15],
        [7.5, 22.5],
        [11.25, 33.75],
        [16.875, 50.625],
        [25, 75],
        [25, 75],
        [25, 75],
        [25, 75],
        [25, 75],
        [25, 75]
      ],
      longest: [[5, 15], [7.5, 22.5], [11.25, 33.75], [16.875, 50.625], [25, 75]],
      attempt: 100,
      total: 200
    }]
  },
  {
    file: "otel-defaults.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector examples/k8s/otel-config.yaml",
    policies: [{
      name: "agent",
      delays: [
        [2500, 7500],
        [3750, 11250],
        [5625, 16875],
        [8437.5, 25312.5],
        [12656.25, 37968.75],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000]
      ],
      longest: [
        [2500, 7500],
        [3750, 11250],
        [5625, 16875],
        [8437.5, 25312.5],
        [12656.25, 37968.75],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000]
      ],
      total: 300000
    }]
  },
  {
    file: "otel-config-map.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector examples/k8s/otel-config.yaml",
    policies: [{
      name: "agent",
      delays: [[2500, 7500], [3750, 11250], [5625, 16875], [8437.5, 25312.5], [12656.25, 37968.75]],
      longest: [[2500, 7500], [3750, 11250], [5625, 16875]],
      attempt: 20000,
      total: 40000
    }]
  },
  {
    file: "otel-bare.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector config/configretry (one key of BackOffConfig)",
    refused:
      "this could be Temporal's RetryPolicy or OpenTelemetry's retry_on_failure: choose with --as temporal or --as otel"
  },
  {
    file: "otel-bare-named.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector config/configretry (one key of BackOffConfig)",
    as: "otel",
    policies: [{
      name: "",
      delays: [
        [2500, 7500],
        [3750, 11250],
        [5625, 16875],
        [8437.5, 25312.5],
        [12656.25, 37968.75],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000]
      ],
      longest: [
        [2500, 7500],
        [3750, 11250],
        [5625, 16875],
        [8437.5, 25312.5],
        [12656.25, 37968.75],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000],
        [15000, 45000]
      ],
      total: 300000
    }]
  },
  {
    file: "otel-negative.yaml",
    system: "otel",
    version: "Collector 0.165",
    source: "open-telemetry/opentelemetry-collector exporter/otlpexporter/testdata/invalid_configs.yaml",
    refused: "invalid.retry_on_failure.randomization_factor must be a number of 0 to 1, got -5, line 6"
  },
  {
    file: "argo-cd-application.yaml",
    system: "argo-cd",
    version: "Argo CD 3.5",
    source: "argoproj/argo-cd docs/operator-manual/application.yaml",
    policies: [{ name: "shop", delays: [5000, 10000, 20000, 40000, 80000] }]
  },
  {
    file: "argo-cd-meta.yaml",
    system: "argo-cd",
    version: "Argo CD 2",
    source: "istio/istio samples/ambient-argo/meta-application.yaml",
    policies: [{ name: "mesh", delays: [5000, 10000] }]
  },
  {
    file: "argo-cd-application-set.yaml",
    system: "argo-cd",
    version: "Argo CD 3",
    source: "argoproj/argo-cd controller/testdata/diff-cache.yaml (as the template of an ApplicationSet)",
    policies: [{
      name: "previews",
      delays: [10000, 30000, 90000, 270000, 810000, 2430000, 3600000, 3600000, 3600000],
      goesOn: true
    }]
  },
  {
    file: "argo-workflows-backoff.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows examples/retry-backoff.yaml",
    policies: [{ name: "flaky", delays: [1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000, 5000, 5000], total: 60000 }]
  },
  {
    file: "argo-workflows-steps.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows examples/retry-with-steps.yaml",
    policies: [{ name: "flaky", delays: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }]
  },
  {
    file: "argo-workflows-unlimited.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows examples/retry-container-to-completion.yaml",
    policies: [{ name: "to-completion", delays: [0, 0, 0, 0, 0, 0, 0, 0, 0], goesOn: true }]
  },
  {
    file: "argo-workflows-no-limit.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows workflow/controller/operator.go (backoff without a limit)",
    policies: [{ name: "poll", delays: [0, 0, 0, 0, 0, 0, 0, 0, 0], goesOn: true }]
  },
  {
    file: "argo-workflows-max-duration.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows examples/retry-backoff.yaml (its backoff, without the limit)",
    policies: [{ name: "main", delays: [0, 0, 0, 0, 0], total: 60000 }]
  },
  {
    file: "argo-workflows-container-set.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows test/e2e/testdata/workflow-template-with-containerset.yaml",
    policies: [{ name: "pipeline", delays: [5000, 5000] }]
  },
  {
    file: "argo-workflows-template.yaml",
    system: "argo-workflows",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows examples/retry-conditional.yaml (limit as a parameter)",
    refused: "spec.templates[0].retryStrategy.limit is a template, {{inputs.parameters.limit}}: fill it in, line 6"
  },
  {
    file: "resilience4j.yaml",
    system: "resilience4j",
    version: "resilience4j 2.4",
    source: "resilience4j/resilience4j resilience4j-spring-boot3/src/test/resources/application.yaml",
    policies: [{ name: "billing", delays: [100, 100, 100] }, { name: "shipping", delays: [100, 200] }]
  },
  {
    file: "resilience4j-iso.yaml",
    system: "resilience4j",
    version: "resilience4j 2.4",
    source: "resilience4j/resilience4j resilience4j-commons-configuration/src/test/resources/resilience.yaml",
    policies: [{ name: "a", delays: [10000, 10000] }, { name: "b", delays: [5000, 10000, 10000, 10000] }]
  },
  {
    file: "resilience4j.properties",
    system: "resilience4j",
    version: "resilience4j 2.4",
    source: "resilience4j/resilience4j resilience4j-commons-configuration/src/test/resources/resilience.properties",
    policies: [{ name: "a", delays: [10000, 10000] }, { name: "b", delays: [[500, 1500], [1000, 3000], [2000, 3000]] }]
  },
  {
    file: "resilience4j-no-wait.yaml",
    system: "resilience4j",
    version: "resilience4j 2.4",
    source: "resilience4j/resilience4j CommonRetryConfigurationProperties.java (no waitDuration)",
    policies: [{ name: "search", delays: [500, 500, 500] }]
  },
  {
    file: "resilience4j-not-enabled.yaml",
    system: "resilience4j",
    version: "resilience4j 2.4",
    source: "application.yml of several public services: a multiplier without enable-exponential-backoff",
    policies: [{ name: "coding", delays: [1000, 1000] }]
  },
  {
    file: "spring-rabbitmq.properties",
    system: "spring",
    version: "Spring Boot 1.5",
    source: "jurson86/vip-tmm transaction-message-demo/tmm-consumer-client/readme.txt",
    policies: [{ name: "spring.rabbitmq.listener.retry", delays: [2000, 4000] }]
  },
  {
    file: "spring-rabbitmq.yml",
    system: "spring",
    version: "Spring Boot 2",
    source: "18500507445/tiny doc/mq-rabbit.md",
    policies: [{ name: "spring.rabbitmq.listener.simple.retry", delays: [1000, 1000] }]
  },
  {
    file: "spring-cloud-stream.yml",
    system: "spring",
    version: "Spring Cloud Stream 3.0",
    source: "Sdaas/spring-cloud-stream README.md",
    policies: [{ name: "spring.cloud.stream.bindings.input.consumer", delays: [10000, 20000, 40000] }]
  },
  {
    file: "spring-kafka-stream.yml",
    system: "spring",
    version: "Spring Cloud Stream",
    source: "samaxwell/SpringBootExamples Spring-Cloud-Stream/Retry-Configs/KafkaRetries/README.md",
    policies: [{ name: "", delays: [2000, 4000, 8000, 10000] }]
  },
  {
    file: "spring-gateway.yml",
    system: "spring",
    version: "Spring Cloud Gateway 3",
    source: "springcloudnative/edge-service src/main/resources/application.yml",
    policies: [{ name: "spring.cloud.gateway.default-filters[1]", delays: [50, 100, 200] }]
  },
  {
    file: "spring-gateway-webmvc.yml",
    system: "spring",
    version: "Spring Cloud Gateway 5",
    source:
      "spring-cloud/spring-cloud-gateway spring-cloud-gateway-server-webmvc/src/test/resources/application-propertiesbeandefinitionregistrartests.yml",
    policies: [{ name: "spring.cloud.gateway.server.webmvc.routes[0].filters[0]", delays: [5, 10, 20] }]
  },
  {
    file: "spring-generic.yml",
    system: "spring",
    version: "Spring Boot 2",
    source: "spring-projects/spring-boot RabbitProperties.Retry (its keys under a name of one's own)",
    policies: [{ name: "app.mail.retry", delays: [500, 1000, 1000] }]
  },
  {
    file: "envoy-route.yaml",
    system: "envoy",
    version: "Envoy 1.31",
    source: "OneUptime/blog posts/2026-02-09-envoy-retry-policies-resilient/README.md",
    policies: [{ name: "routes[0].route", delays: [[0, 25], [0, 50], [0, 100]], attempt: 2000, total: 30000 }]
  },
  {
    file: "envoy-grpc.yaml",
    system: "envoy",
    version: "Envoy 1.31",
    source: "public envoy.yaml of a gRPC-Web gateway (retry_back_off beside per_try_timeout)",
    policies: [{
      name:
        "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route",
      delays: [[0, 250], [0, 500], [0, 1000]],
      attempt: 5000,
      total: 15000
    }]
  },
  {
    file: "envoy-jwks.yaml",
    system: "envoy",
    version: "Envoy 1.31",
    source: "envoyproxy/envoy test/extensions/filters/http/common/jwks_fetcher_test.cc",
    policies: [{
      name: "",
      delays: [[0, 100], [0, 200], [0, 400], [0, 800], [0, 1600], [0, 3200], [0, 6400], [0, 12800], [0, 25600], [
        0,
        32000
      ]]
    }]
  },
  {
    file: "envoy-jwks-defaults.yaml",
    system: "envoy",
    version: "Envoy 1.31",
    source: "envoyproxy/envoy test/extensions/filters/http/common/jwks_fetcher_test.cc",
    policies: [{ name: "", delays: [[0, 1000], [0, 2000]] }]
  },
  {
    file: "envoy-gateway.yaml",
    system: "envoy",
    version: "Envoy Gateway 1.6",
    source: "envoyproxy/gateway test/e2e/testdata/retry.yaml",
    policies: [{ name: "retries", delays: [[0, 100], [0, 200], [0, 400], [0, 800], [0, 1600]], attempt: 250 }]
  },
  {
    file: "envoy-gateway-refused.yaml",
    system: "envoy",
    version: "Envoy Gateway 1.6",
    source: "envoyproxy/gateway internal/gatewayapi/testdata/backendtrafficpolicy-with-retries.in.yaml",
    refused: "spec.retry.perRetry.backoff.maxInterval must not be below baseInterval: Envoy refuses that, line 6"
  },
  {
    file: "istio-ratings.yaml",
    system: "istio",
    version: "Istio 1.24",
    source: "istio/istio.io content/en/docs/concepts/traffic-management/index.md",
    policies: [{ name: "ratings", delays: [[0, 25], [0, 50], [0, 100]], attempt: 2000 }]
  },
  {
    file: "istio-timeout.yaml",
    system: "istio",
    version: "Istio 1.20",
    source: "deckhouse/deckhouse docs (retry_istio) and others: retries beside a timeout",
    policies: [{
      name: "green",
      delays: [
        [0, 25],
        [0, 50],
        [0, 100],
        [0, 200],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250],
        [0, 250]
      ],
      attempt: 1000,
      total: 60000
    }]
  },
  {
    file: "cloud-tasks.yaml",
    system: "cloud-tasks",
    version: "Cloud Tasks v2",
    source:
      "GoogleCloudPlatform/k8s-config-connector pkg/test/resourcefixture/testdata/basic/cloudtasks/v1alpha1/tasksqueue/tasksqueue-maximal/create.yaml",
    policies: [{
      name: "mails",
      delays: [2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000, 60000, 60000, 60000, 60000, 60000, 60000],
      total: 180000
    }]
  },
  {
    file: "cloud-tasks-documentation.json",
    system: "cloud-tasks",
    version: "Cloud Tasks v2",
    source: "docs.cloud.google.com, RetryConfig.maxDoublings: 10s, 20s, 40s, 80s, 160s, 240s, 300s, 300s",
    policies: [{ name: "slow", delays: [10000, 20000, 40000, 80000, 160000, 240000, 300000, 300000], goesOn: true }]
  },
  {
    file: "cloud-tasks-queue.yaml",
    system: "cloud-tasks",
    version: "queue.yaml",
    source: "snarfed/bridgy-fed queue.yaml",
    policies: [{ name: "commit", delays: [] }, { name: "send", delays: [300000, 600000] }]
  },
  {
    file: "cloud-scheduler.yaml",
    system: "cloud-tasks",
    version: "Cloud Scheduler v1",
    source:
      "GoogleCloudPlatform/k8s-config-connector config/samples/resources/cloudschedulerjob/scheduler-job-http/cloudscheduler_v1beta1_cloudschedulerjob.yaml",
    policies: [{ name: "ping", delays: [5000, 10000, 20000], total: 60000 }]
  },
  {
    file: "pubsub.yaml",
    system: "pubsub",
    version: "Pub/Sub v1",
    source:
      "GoogleCloudPlatform/k8s-config-connector pkg/test/resourcefixture/testdata/basic/pubsub/v1beta1/pubsubsubscription/pubsubsubscription-push/create.yaml",
    policies: [{
      name: "orders",
      delays: [10000, 20000, 40000, 80000, 160000, 320000, 600000, 600000, 600000],
      attempt: 600000,
      total: 604800000
    }]
  },
  {
    file: "pubsub-dead-letter.yaml",
    system: "pubsub",
    version: "Pub/Sub v1",
    source:
      "GoogleCloudPlatform/k8s-config-connector pkg/test/resourcefixture/testdata/basic/pubsub/v1beta1/pubsubsubscription/pubsubsubscription-cloudstorage/create.yaml",
    policies: [{ name: "archive", delays: [10000, 20000, 40000, 80000], attempt: 600000, total: 3600000 }]
  },
  {
    file: "github.yml",
    system: "github",
    version: "GitHub Actions",
    source: "open-telemetry/opentelemetry-collector .github/workflows/codeql-analysis.yml",
    policies: [{ name: "39 1 * * 3", slots: ["2026-11-04T01:39:00.000Z", "2026-11-11T01:39:00.000Z"] }]
  },
  {
    file: "github-two.yml",
    system: "github",
    version: "GitHub Actions",
    source: "argoproj/argo-events .github/workflows (two schedules)",
    policies: [{ name: "30 2 * * *", slots: ["2026-11-01T02:30:00.000Z", "2026-11-02T02:30:00.000Z"] }, {
      name: "0 10 * * 4",
      slots: ["2026-11-05T10:00:00.000Z", "2026-11-12T10:00:00.000Z"]
    }]
  },
  {
    file: "github-brackets.yml",
    system: "github",
    version: "GitHub Actions",
    source:
      "GoogleCloudPlatform/k8s-config-connector .github/workflows/review-reminder.yaml, with the lists of open-telemetry/opentelemetry-demo .github/workflows/checks.yml",
    policies: [{ name: "0 17,21 * * 1-5", slots: ["2026-11-02T17:00:00.000Z", "2026-11-02T21:00:00.000Z"] }]
  },
  {
    file: "cronjob.yaml",
    system: "cronjob",
    version: "batch/v1",
    source: "argoproj/argo-cd test/e2e/testdata/resource-actions/cron-job.yaml",
    policies: [{ name: "hello", slots: ["2026-11-01T00:01:00.000Z", "2026-11-01T00:02:00.000Z"] }]
  },
  {
    file: "cronjob-either-day.yaml",
    system: "cronjob",
    version: "batch/v1",
    source: "kubernetes/kubernetes pkg/controller/cronjob and robfig/cron 3.0.1: a day by either field",
    policies: [{
      name: "report",
      slots: [
        "2026-11-01T11:00:00.000Z",
        "2026-11-02T11:00:00.000Z",
        "2026-11-09T11:00:00.000Z",
        "2026-11-11T11:00:00.000Z"
      ],
      attempt: 600000
    }]
  },
  {
    file: "cron-workflow.yaml",
    system: "cronjob",
    version: "Argo Workflows 4.0",
    source: "argoproj/argo-workflows examples/cron-workflow-multiple-schedules.yaml",
    policies: [{ name: "sync[0]", slots: ["2026-11-02T08:00:00.000Z", "2026-11-02T08:03:00.000Z"] }, {
      name: "sync[1]",
      slots: ["2026-11-01T14:00:00.000Z", "2026-11-02T14:00:00.000Z"]
    }]
  },
  {
    file: "cron-workflow-without-schedule.yaml",
    system: "cronjob",
    version: "Argo Workflows 3",
    source: "argoproj/argo-cd resource_customizations/argoproj.io/CronWorkflow/testdata/healthyCronWorkflow.yaml",
    refused: "spec.schedule is missing, line 5"
  },
  {
    file: "crontab-system",
    system: "crontab",
    version: "Debian /etc/crontab",
    source: "AbelVandenBriel/abel-vandenbriel_systeembeheer crontab",
    policies: [{
      name: "cd / && run-parts --report /etc/cron.hourly",
      slots: ["2026-11-01T00:44:00.000Z", "2026-11-01T01:44:00.000Z"]
    }, {
      name: "test -x /usr/sbin/anacron || run-parts /etc/cron.weekly",
      slots: ["2026-11-01T06:38:00.000Z", "2026-11-08T06:38:00.000Z"]
    }]
  },
  {
    file: "crontab-periodic",
    system: "crontab",
    version: "supercronic",
    source: "0xDAFE/rclone-supercronic crontab",
    policies: [
      { name: "run-parts /etc/periodic/15min", slots: ["2026-11-01T00:15:00.000Z", "2026-11-01T00:30:00.000Z"] },
      { name: "run-parts /etc/periodic/weekly", slots: ["2026-11-07T03:00:00.000Z", "2026-11-14T03:00:00.000Z"] },
      { name: "run-parts /etc/periodic/monthly", slots: ["2026-11-01T05:00:00.000Z", "2026-12-01T05:00:00.000Z"] }
    ]
  },
  {
    file: "crontab-anacron",
    system: "crontab",
    version: "Debian /etc/cron.d",
    source: "hercules-team/augeas lenses/tests/test_cron.aug",
    policies: [{
      name: "test -x /etc/init.d/anacron && /usr/sbin/invoke-rc.d anacron start >/dev/null",
      slots: ["2026-11-01T15:30:00.000Z", "2026-11-02T15:30:00.000Z"]
    }, { name: "dump --all", slots: ["2027-05-03T07:00:00.000Z", "2027-05-03T10:00:00.000Z"] }]
  },
  {
    file: "unknown-compose.yaml",
    system: undefined,
    version: "Compose",
    source: "docker/awesome-compose (restart policy)",
    refused: nothing
  },
  {
    file: "unknown-rollout.yaml",
    system: undefined,
    version: "Argo Rollouts 1",
    source: "argoproj/argo-cd resource_customizations/argoproj.io/Rollout/testdata/degraded_abortedRollout.yaml",
    refused: nothing
  },
  {
    file: "unknown-numaplane.yaml",
    system: undefined,
    version: "Numaplane",
    source:
      "argoproj/argo-cd resource_customizations/numaplane.numaproj.io/PipelineRollout/actions/testdata/PipelineRollout/rollout-in-ppnd.yaml",
    refused: nothing
  },
  {
    file: "unknown-batch.yaml",
    system: undefined,
    version: "AWS Batch in CloudFormation",
    source: "aws-samples/step-functions-workflows-collection batch-lambda-sam/template.yaml",
    refused: nothing
  }
]
