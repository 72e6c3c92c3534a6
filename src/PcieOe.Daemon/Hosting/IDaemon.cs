namespace PcieOe.Daemon.Hosting;

/// <summary>What <see cref="DaemonProgram"/> runs: built from validated options, started once, stopped once.</summary>
public interface IDaemon : IAsyncDisposable
{
    /// <summary>Opens what the daemon needs and starts its threads.</summary>
    /// <exception cref="IOException">Something cannot be had; the message says what, and what to do.</exception>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>Ends in order: peers are told, data is flushed. Bounded by a few seconds.</summary>
    Task StopAsync();

    /// <summary>Completes when the daemon has ended by itself; faulted if on an error.</summary>
    Task Ended { get; }

    /// <summary>A number that grows as long as the worker is alive: for the watchdog.</summary>
    long Heartbeat { get; }
}
