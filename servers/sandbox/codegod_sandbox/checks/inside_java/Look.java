import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * What javac says about the files that stdin names, one line each: stage, kind, code, line, path and words, the last two
 * in base64. Files that do not parse are set aside before the others are looked at. Arguments: class path, folder for
 * the classes, and `load` when every class is to be loaded as well. Nothing of the project is initialised.
 */
public class Look {
  private static final JavaCompiler JAVAC = ToolProvider.getSystemJavaCompiler();

  public static void main(String[] arguments) throws Exception {
    List<String> files = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList();
    Set<String> broken = parse(files);
    List<String> whole = new ArrayList<>(files);
    whole.removeAll(broken);
    boolean sound = whole.isEmpty() || compile(whole, arguments[0], arguments[1]);
    if (sound && arguments.length > 2) {
      load(arguments[0], Path.of(arguments[1]));
    }
    tell("end", "", "", 0, "", "");
  }

  private static Set<String> parse(List<String> files) throws Exception {
    Set<String> broken = new HashSet<>();
    DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
    try (StandardJavaFileManager manager = JAVAC.getStandardFileManager(said, Locale.ENGLISH, StandardCharsets.UTF_8)) {
      JavacTask task = (JavacTask) JAVAC.getTask(null, manager, said, List.of("-proc:none"), null, manager.getJavaFileObjectsFromStrings(files));
      for (CompilationUnitTree ignored : task.parse()) {
        continue;
      }
    }
    for (Diagnostic<? extends JavaFileObject> each : said.getDiagnostics()) {
      String path = each.getSource() == null ? "" : each.getSource().getName();
      if (each.getKind() == Diagnostic.Kind.ERROR && broken.add(path)) {
        tell("syntax", each, path);
      }
    }
    return broken;
  }

  private static boolean compile(List<String> files, String classPath, String into) throws Exception {
    DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
    List<String> options = List.of("-proc:none", "-Xlint:all", "-XDshould-stop.ifError=FLOW", "-Xmaxerrs", "500", "-Xmaxwarns", "500", "-cp", classPath, "-d", into);
    boolean sound;
    try (StandardJavaFileManager manager = JAVAC.getStandardFileManager(said, Locale.ENGLISH, StandardCharsets.UTF_8)) {
      sound = JAVAC.getTask(null, manager, said, options, null, manager.getJavaFileObjectsFromStrings(files)).call();
    }
    for (Diagnostic<? extends JavaFileObject> each : said.getDiagnostics()) {
      if (each.getKind() != Diagnostic.Kind.NOTE) {
        tell("types", each, each.getSource() == null ? "" : each.getSource().getName());
      }
    }
    return sound;
  }

  private static void load(String classPath, Path classes) throws Exception {
    List<URL> urls = new ArrayList<>(List.of(classes.toUri().toURL()));
    for (String each : classPath.split(File.pathSeparator)) {
      if (!each.isEmpty()) {
        urls.add(Path.of(each).toUri().toURL());
      }
    }
    try (URLClassLoader loader = new URLClassLoader(urls.toArray(URL[]::new)); Stream<Path> found = Files.walk(classes)) {
      for (Path file : found.filter(each -> each.toString().endsWith(".class")).sorted().toList()) {
        String name = classes.relativize(file).toString().replaceAll("\\.class$", "").replace('/', '.');
        try {
          Class.forName(name, false, loader).getDeclaredMethods();
        } catch (Throwable error) {
          tell("load", "ERROR", error.getClass().getName(), 0, name, String.valueOf(error.getMessage()));
        }
      }
    }
  }

  private static void tell(String stage, Diagnostic<? extends JavaFileObject> each, String path) {
    tell(stage, each.getKind().name(), String.valueOf(each.getCode()), each.getLineNumber(), path, each.getMessage(Locale.ENGLISH));
  }

  private static void tell(String stage, String kind, String code, long line, String path, String words) {
    PrintStream out = System.out;
    out.println(String.join(" ", "look", stage, kind.isEmpty() ? "-" : kind, code.isEmpty() ? "-" : code, String.valueOf(line), base(path), base(words)));
  }

  private static String base(String text) {
    return text.isEmpty() ? "-" : Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
