import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the test classes that stdin names behind a word and a number of milliseconds, and tells each outcome on the
 * standard output that it was started with: one line each, which begins with the word. The tests' own standard output
 * goes to standard error, and a line that one of them writes to ours has no word. Exit code: 0 when all passed, 1 when
 * not.
 */
public class Run {
  private final PrintStream out;
  private final String word;
  private boolean bad;

  private Run(PrintStream out, String word) {
    this.out = out;
    this.word = word;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList();
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    System.setIn(java.io.InputStream.nullInputStream());
    Run run = new Run(out, asked.get(0));
    List<DiscoverySelector> selected = new ArrayList<>();
    for (String name : asked.subList(2, asked.size())) {
      selected.add(DiscoverySelectors.selectClass(name));
    }
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selected)
            .configurationParameter("junit.jupiter.execution.timeout.testable.method.default", asked.get(1) + " ms")
            .configurationParameter("junit.jupiter.execution.timeout.thread.mode.default", "SEPARATE_THREAD")
            .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "false")
            .build();
    // Nothing that lies on the class path adds listeners or engines of its own.
    LauncherConfig config =
        LauncherConfig.builder()
            .enableTestEngineAutoRegistration(false)
            .enableTestExecutionListenerAutoRegistration(false)
            .enableLauncherSessionListenerAutoRegistration(false)
            .enableLauncherDiscoveryListenerAutoRegistration(false)
            .enablePostDiscoveryFilterAutoRegistration(false)
            .addTestEngines(new org.junit.jupiter.engine.JupiterTestEngine())
            .build();
    Launcher launcher = LauncherFactory.create(config);
    TestPlan plan = launcher.discover(request);
    for (TestIdentifier root : plan.getRoots()) {
      for (TestIdentifier each : plan.getDescendants(root)) {
        if (each.isTest()) {
          run.tell("collected", each, "", null);
        }
      }
    }
    launcher.execute(plan, run.listener());
    run.line("end", "", "", "", "", "", "");
    Runtime.getRuntime().halt(run.bad ? 1 : 0);
  }

  private TestExecutionListener listener() {
    return new TestExecutionListener() {
      @Override
      public void executionStarted(TestIdentifier test) {
        if (test.isTest()) {
          tell("begin", test, "", null);
        }
      }

      @Override
      public void executionSkipped(TestIdentifier test, String reason) {
        tell("skipped", test, reason, null);
      }

      @Override
      public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        boolean passed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
        bad |= !passed;
        if (test.isTest() || !passed) {
          tell(passed ? "passed" : test.isTest() ? "failed" : "container", test, "", result.getThrowable().orElse(null));
        }
      }
    };
  }

  private void tell(String kind, TestIdentifier test, String said, Throwable error) {
    TestSource source = test.getSource().orElse(null);
    String owner = "";
    String method = "";
    if (source instanceof MethodSource from) {
      owner = from.getClassName();
      method = from.getMethodName();
    } else if (source instanceof ClassSource from) {
      owner = from.getClassName();
    }
    String part = test.getUniqueIdObject().getLastSegment().getType().endsWith("-invocation") || test.getUniqueIdObject().getLastSegment().getType().equals("dynamic-test")
        ? test.getUniqueIdObject().getLastSegment().getValue() : "";
    line(kind, owner, method, part, error == null ? "" : error.getClass().getName(), error == null ? said : String.valueOf(error.getMessage()), stack(error));
  }

  private static String stack(Throwable error) {
    StringBuilder text = new StringBuilder();
    Throwable root = error;
    while (root != null && root.getCause() != null && root.getCause() != root && text.length() < 1) {
      root = root.getCause();
    }
    if (root != null) {
      text.append(root.getClass().getName()).append('\n').append(root.getMessage()).append('\n');
      for (StackTraceElement each : root.getStackTrace()) {
        text.append(each.getClassName()).append(' ').append(each.getFileName()).append(' ').append(each.getLineNumber()).append('\n');
      }
    }
    return text.toString();
  }

  private synchronized void line(String... parts) {
    StringBuilder text = new StringBuilder(word);
    for (String part : parts) {
      String cut = part == null ? "null" : part.length() > 4000 ? part.substring(0, 4000) : part;
      text.append(' ').append(cut.isEmpty() ? "-" : Base64.getEncoder().encodeToString(cut.getBytes(StandardCharsets.UTF_8)));
    }
    out.println(text);
  }
}
