using System.CommandLine;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using PcieOe.Daemon.Configuration;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Hosting;

/// <summary>The main program of a daemon: options, configuration, logging, lifetime, exit codes.</summary>
public static class DaemonProgram
{
    public const int ExitSuccess = 0;
    public const int ExitFailure = 1;
    public const int ExitConfiguration = 2;

    /// <summary>Runs until SIGTERM, SIGINT or a failure. Returns the exit code.</summary>
    /// <param name="read">Reads the options; what is wrong is reported to the reader.</param>
    public static int Run<TOptions>(
        string name, string description, string[] arguments, Func<ConfigurationReader, TOptions> read, Func<TOptions, ILoggerFactory, IDaemon> create)
    {
        Option<string> configOption = new("--config", "-c")
        {
            Description = "The configuration, a JSON file (docs/configuration.md; samples in packaging/).",
            DefaultValueFactory = _ => $"/etc/pcieoe/{name["pcieoe-".Length..]}.json",
        };
        Option<string[]> setOption = new("--set")
        {
            Description = "Overrides a setting: key=value, with colons for each step down (port:interface=eth1). May be repeated.",
            DefaultValueFactory = _ => [],
        };
        Option<bool> checkOption = new("--check") { Description = "Only read the configuration and say what is wrong with it." };
        RootCommand command = new(description) { configOption, setOption, checkOption };
        command.SetAction(async (parsed, cancellation) =>
        {
            string path = parsed.GetValue(configOption)!;
            IConfigurationRoot? configuration = DaemonConfiguration.Load(path, parsed.GetValue(setOption)!, out ConfigurationProblem? problem);
            if (configuration is null)
            {
                return RefuseConfiguration(name, path, [problem!]);
            }

            ConfigurationReader reader = new(configuration, Path.GetDirectoryName(Path.GetFullPath(path)));
            TOptions options = read(reader);
            (LogLevel level, LogFormat format) = ReadLogging(reader);
            IReadOnlyList<ConfigurationProblem> problems = reader.Finish();
            if (problems.Count > 0)
            {
                return RefuseConfiguration(name, path, problems);
            }

            if (parsed.GetValue(checkOption))
            {
                Console.WriteLine($"{path}: no mistakes.");
                return ExitSuccess;
            }

            return await RunHostAsync(name, level, format, loggers => create(options, loggers)).ConfigureAwait(false);
        });
        return command.Parse(arguments).Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    internal static (LogLevel Level, LogFormat Format) ReadLogging(ConfigurationReader reader) =>
        (reader.Choice("logLevel", LogLevel.Information), reader.Choice("logFormat", LogFormat.Text));

    private static int RefuseConfiguration(string name, string path, IReadOnlyList<ConfigurationProblem> problems)
    {
        Console.Error.WriteLine($"{name}: {path} has {problems.Count} mistake{(problems.Count == 1 ? "" : "s")}:");
        foreach (ConfigurationProblem problem in problems)
        {
            Console.Error.WriteLine($"  {problem}");
        }

        return ExitConfiguration;
    }

    private static async Task<int> RunHostAsync(string name, LogLevel level, LogFormat format, Func<ILoggerFactory, IDaemon> create)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = name });
        builder.Logging.SetMinimumLevel(level);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        if (format == LogFormat.Json)
        {
            builder.Logging.AddJsonConsole(options => options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffzzz");
        }
        else
        {
            builder.Logging.AddSimpleConsole(options =>
            {
                options.SingleLine = true;
                options.TimestampFormat = "HH:mm:ss.fff ";
                options.ColorBehavior = LoggerColorBehavior.Default;
            });
        }

        builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(15));
        builder.Services.AddSingleton<IHostLifetime, ConsoleLifetime>();
        using IHost host = builder.Build();
        IDaemon daemon = create(host.Services.GetRequiredService<ILoggerFactory>());
        await using ConfiguredAsyncDisposable disposing = daemon.ConfigureAwait(false);
        IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        await host.StartAsync().ConfigureAwait(false);
        int exitCode = ExitSuccess;
        try
        {
            await daemon.StartAsync(lifetime.ApplicationStopping).ConfigureAwait(false);
            using SystemdNotifier notifier = SystemdNotifier.Start(() => daemon.Heartbeat);
            Task stopping = Task.Delay(Timeout.Infinite, lifetime.ApplicationStopping);
            await Task.WhenAny(stopping, daemon.Ended).ConfigureAwait(false);
            if (daemon.Ended.IsFaulted)
            {
                exitCode = ExitFailure;
            }

            notifier.OnStopping();
            await daemon.StopAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PortException)
        {
            await Console.Error.WriteLineAsync($"{name}: {exception.Message}").ConfigureAwait(false);
            exitCode = ExitFailure;
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop before it had started.
        }

        await host.StopAsync().ConfigureAwait(false);
        return exitCode;
    }

    internal enum LogFormat
    {
        Text,
        Json,
    }
}
