using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Dma;

/// <summary>
/// SGLs (NVMe 1.4, section 4.4): data blocks, bit buckets, segments and last segments with addresses of memory. A segment's last descriptor
/// may lead to the next one. Descriptors may name more than the command moves; less is an error.
/// </summary>
internal static unsafe class SglWalker
{
    public static WalkResult Begin(DataPointers pointers, Command command)
    {
        SglDescriptor descriptor = command.Entry.Sgl;
        switch (descriptor.Type)
        {
            case SglType.DataBlock:
            case SglType.BitBucket:
                return TryAdd(pointers, command, in descriptor) ? Finish(command) : WalkResult.Failed;
            case SglType.Segment:
            case SglType.LastSegment:
                return SetSegment(command, in descriptor) ? pointers.ReadList(command) : WalkResult.Failed;
            default:
                return DataPointers.Fail(command, NvmeStatus.SglDescriptorTypeInvalid);
        }
    }

    /// <summary>
    /// Goes through the descriptors just read: a whole segment, or a piece of a long one. <paramref name="readMore"/>: the command
    /// says what to read next.
    /// </summary>
    public static WalkResult ParseSegment(DataPointers pointers, Command command, out bool readMore)
    {
        readMore = false;
        int count = command.ListBytes / SglDescriptor.SizeBytes;
        int left = command.SglSegmentBytes - command.ListBytes;
        for (int i = 0; i < count; i++)
        {
            SglDescriptor descriptor = ((SglDescriptor*)command.List)[i];
            if (descriptor.Type is SglType.Segment or SglType.LastSegment)
            {
                bool isAtEnd = i == count - 1 && left == 0;
                if (!isAtEnd || command.IsLastSglSegment)
                {
                    return DataPointers.Fail(command, isAtEnd ? NvmeStatus.InvalidSglSegmentDescriptor : NvmeStatus.InvalidNumberOfSglDescriptors);
                }

                readMore = SetSegment(command, in descriptor);
                return WalkResult.Failed;
            }

            if (!TryAdd(pointers, command, in descriptor))
            {
                return WalkResult.Failed;
            }

            if (command.ResolvedBytes == command.DataBytes)
            {
                return WalkResult.Done;
            }
        }

        if (left == 0)
        {
            return Finish(command);
        }

        readMore = true;
        SetPiece(command, command.ListAddress + (ulong)command.ListBytes, left);
        return WalkResult.Failed;
    }

    private static WalkResult Finish(Command command) =>
        command.ResolvedBytes == command.DataBytes ? WalkResult.Done : DataPointers.Fail(command, NvmeStatus.DataSglLengthInvalid);

    private static bool SetSegment(Command command, in SglDescriptor descriptor)
    {
        if (descriptor.Subtype != 0)
        {
            command.Status = NvmeStatus.SglDescriptorTypeInvalid;
            return false;
        }

        if (descriptor.LengthBytes == 0 || descriptor.LengthBytes % SglDescriptor.SizeBytes != 0 || descriptor.Address % sizeof(ulong) != 0)
        {
            command.Status = NvmeStatus.InvalidSglSegmentDescriptor;
            return false;
        }

        if (descriptor.LengthBytes > int.MaxValue || descriptor.Address + descriptor.LengthBytes < descriptor.Address)
        {
            command.Status = NvmeStatus.InvalidNumberOfSglDescriptors;
            return false;
        }

        command.IsLastSglSegment = descriptor.Type == SglType.LastSegment;
        SetPiece(command, descriptor.Address, (int)descriptor.LengthBytes);
        return true;
    }

    private static void SetPiece(Command command, ulong address, int segmentBytes)
    {
        command.ListAddress = address;
        command.SglSegmentBytes = segmentBytes;
        command.ListBytes = Math.Min(segmentBytes, CommandTable.ListBytes);
    }

    private static bool TryAdd(DataPointers pointers, Command command, in SglDescriptor descriptor)
    {
        int wanted = (int)Math.Min(descriptor.LengthBytes, (uint)(command.DataBytes - command.ResolvedBytes));
        switch (descriptor.Type)
        {
            case SglType.DataBlock when descriptor.Subtype == 0:
                return pointers.TryAdd(command, descriptor.Address, wanted);
            case SglType.BitBucket when descriptor.Subtype == 0:
                // It takes read data and throws it away; for data from the host its length counts as 0.
                return wanted == 0 || command.Direction == TransferDirection.FromHost
                    || DataPointers.TryAppend(command, SegmentKind.Discard, 0, wanted);
            default:
                command.Status = NvmeStatus.SglDescriptorTypeInvalid;
                return false;
        }
    }
}
