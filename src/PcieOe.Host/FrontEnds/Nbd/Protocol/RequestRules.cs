using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>What the protocol lets a request be, and how it names what went wrong.</summary>
internal static class RequestRules
{
    /// <summary><see cref="NbdError.None"/>: it can be carried out.</summary>
    internal static NbdError Check(in RequestHeader request, NbdExport export, bool isStructured, bool hasBaseAllocation)
    {
        CommandFlags allowed = AllowedFlags(request.Command, isStructured);
        if ((request.Flags & ~allowed) != 0)
        {
            return NbdError.InvalidArgument;
        }

        bool changes = request.Command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;
        if (changes && export.IsReadOnly)
        {
            return NbdError.NotPermitted;
        }

        return request.Command switch
        {
            NbdCommand.Flush => request.Offset == 0 && request.Length == 0 ? NbdError.None : NbdError.InvalidArgument,
            NbdCommand.Read => CheckRange(request, export, NbdExport.MaximumRequestBytes, NbdError.InvalidArgument) is var error and not NbdError.None ? error : CheckFragment(request, export),
            NbdCommand.Write => CheckRange(request, export, NbdExport.MaximumRequestBytes, NbdError.NoSpace),
            NbdCommand.WriteZeroes => CheckRange(request, export, uint.MaxValue, NbdError.NoSpace),
            NbdCommand.Trim or NbdCommand.Cache => CheckRange(request, export, uint.MaxValue, NbdError.InvalidArgument),
            NbdCommand.BlockStatus => hasBaseAllocation ? CheckRange(request, export, uint.MaxValue, NbdError.InvalidArgument) : NbdError.InvalidArgument,
            _ => NbdError.InvalidArgument,
        };
    }

    internal static NbdError ErrorOf(NvmeStatus status) => status switch
    {
        NvmeStatus.Success => NbdError.None,
        NvmeStatus.NamespaceIsWriteProtected or NvmeStatus.AccessDenied or NvmeStatus.OperationDenied => NbdError.NotPermitted,
        NvmeStatus.LbaOutOfRange or NvmeStatus.CapacityExceeded => NbdError.NoSpace,
        NvmeStatus.InvalidOpcode => NbdError.NotSupported,
        NvmeStatus.CommandAbortedByHost => NbdError.ShuttingDown,
        _ => NbdError.InputOutput,
    };

    private static CommandFlags AllowedFlags(NbdCommand command, bool isStructured) => CommandFlags.ForceUnitAccess | command switch
    {
        NbdCommand.Read when isStructured => CommandFlags.DontFragment,
        NbdCommand.WriteZeroes => CommandFlags.NoHole | CommandFlags.FastZero,
        NbdCommand.BlockStatus => CommandFlags.RequestOne,
        _ => CommandFlags.None,
    };

    private static NbdError CheckRange(in RequestHeader request, NbdExport export, uint maximumBytes, NbdError beyondEnd)
    {
        uint mask = (uint)export.BlockBytes - 1;
        if (request.Length == 0 || request.Length > maximumBytes || ((request.Offset | request.Length) & mask) != 0)
        {
            return NbdError.InvalidArgument;
        }

        return request.Offset > export.SizeBytes || request.Length > export.SizeBytes - request.Offset ? beyondEnd : NbdError.None;
    }

    private static NbdError CheckFragment(in RequestHeader request, NbdExport export) =>
        (request.Flags & CommandFlags.DontFragment) != 0 && request.Length > (uint)export.CommandBytes ? NbdError.Overflow : NbdError.None;
}
