import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Runs every static method without parameters of the classes with checks; the exit code is the number of failures. */
public final class Main {
    private static final List<Class<?>> CHECKS = List.of(Connects.class, Metadata.class, Statements.class, Values.class);

    private Main() {}

    public static void main(String[] only) {
        // The driver logs what it throws as well.
        java.util.logging.LogManager.getLogManager().reset();
        int failures = 0;
        for (Class<?> checks : CHECKS) {
            Method[] methods = checks.getDeclaredMethods();
            Arrays.sort(methods, Comparator.comparing(Method::getName));
            for (Method method : methods) {
                String name = checks.getSimpleName() + "." + method.getName();
                boolean wanted = only.length == 0 || Arrays.stream(only).anyMatch(name::startsWith);
                if (method.getParameterCount() > 0 || method.isSynthetic() || !wanted) {
                    continue;
                }
                failures += run(name, method);
            }
        }
        System.exit(Math.min(failures, 100));
    }

    private static int run(String name, Method method) {
        long begun = System.nanoTime();
        try {
            method.invoke(null);
            System.out.printf("ok      %s (%d ms)%n", name, (System.nanoTime() - begun) / 1_000_000);
            return 0;
        } catch (InvocationTargetException | IllegalAccessException error) {
            System.out.println("FAILED  " + name);
            error.getCause().printStackTrace(System.out);
            return 1;
        }
    }
}
