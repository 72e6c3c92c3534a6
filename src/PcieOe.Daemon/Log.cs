using Microsoft.Extensions.Logging;

namespace PcieOe.Daemon;

/// <summary>What the shared part of the daemons logs; event ids 100 to 199.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Error, Message = "Control command {Command} failed.")]
    public static partial void ControlCommandFailed(ILogger logger, string command, Exception exception);

    [LoggerMessage(EventId = 101, Level = LogLevel.Critical, Message = "Worker {Worker} stopped on a fault; the daemon ends.")]
    public static partial void WorkerFailed(ILogger logger, string worker, Exception exception);

    [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "Worker {Worker} cannot be bound to processor {Processor}; it runs wherever the kernel puts it.")]
    public static partial void ProcessorNotBound(ILogger logger, string worker, int processor);
}
