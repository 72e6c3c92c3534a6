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

    [LoggerMessage(EventId = 103, Level = LogLevel.Warning, Message = "The interface {Interface} is down or gone; sessions wait until it is back.")]
    public static partial void PortDown(ILogger logger, string @interface);

    [LoggerMessage(EventId = 104, Level = LogLevel.Warning, Message = "The interface {Interface} has an MTU below {Mtu} now; sessions wait until it has that again.")]
    public static partial void PortMtuTooSmall(ILogger logger, string @interface, int mtu);

    [LoggerMessage(EventId = 105, Level = LogLevel.Information, Message = "The interface {Interface} is up again.")]
    public static partial void PortUp(ILogger logger, string @interface);
}
