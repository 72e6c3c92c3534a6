using Microsoft.Extensions.Logging;

namespace PcieOe.Host.FrontEnds.VfioUser;

/// <summary>What the vfio-user front end logs; event ids 400 to 419. What a client can bring about at will is limited in rate by the caller.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 400, Level = LogLevel.Information, Message = "{Socket}: serving the function to vfio-user clients.")]
    public static partial void Serving(ILogger logger, string socket);

    [LoggerMessage(EventId = 401, Level = LogLevel.Information, Message = "{Socket}: a client came.")]
    public static partial void ClientCame(ILogger logger, string socket);

    [LoggerMessage(EventId = 402, Level = LogLevel.Information, Message = "{Socket}: the client is gone ({Reason}); the function is reset.")]
    public static partial void ClientWent(ILogger logger, string socket, string reason);

    [LoggerMessage(EventId = 403, Level = LogLevel.Warning, Message = "{Socket}: memory at {Address} of {Length} bytes is refused: {Reason}.")]
    public static partial void MappingRefused(ILogger logger, string socket, string address, ulong length, string reason);

    [LoggerMessage(EventId = 404, Level = LogLevel.Warning, Message = "{Socket}: memory at {Address} of {Length} bytes came without a file descriptor: the client is asked for it by message, which is slow. QEMU passes descriptors with -object memory-backend-memfd,share=on.")]
    public static partial void MappingWithoutFile(ILogger logger, string socket, string address, ulong length);

    [LoggerMessage(EventId = 405, Level = LogLevel.Warning, Message = "{Socket}: {Command} was answered with errno {Error}.")]
    public static partial void Refused(ILogger logger, string socket, string command, int error);

    [LoggerMessage(EventId = 406, Level = LogLevel.Error, Message = "{Socket}: serving a client failed; it is cut off.")]
    public static partial void SessionFailed(ILogger logger, string socket, Exception exception);

    [LoggerMessage(EventId = 407, Level = LogLevel.Warning, Message = "{Socket}: the function is used by another front end or driver; the client is turned away.")]
    public static partial void FunctionBusy(ILogger logger, string socket);
}
