using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Io;

/// <summary>The ranges of a Dataset Management command (NVMe 1.4, section 6.7), once they have been fetched.</summary>
internal static unsafe class DatasetRanges
{
    private const uint DeallocateBit = 1u << 2;

    public static bool IsWithin(ulong sizeBlocks, ulong startingLba, uint blocks) => startingLba < sizeBlocks && blocks <= sizeBlocks - startingLba;

    /// <summary>Whether all lie within the namespace, in blocks of the size that they had when the command came.</summary>
    public static bool AreValid(Command command)
    {
        ulong sizeBlocks = (ulong)command.Namespace!.SizeBytes >> command.BlockShift;
        for (int i = 0; i < Count(command); i++)
        {
            DatasetManagementRange range = At(command, i);
            if (range.LengthBlocks != 0 && !IsWithin(sizeBlocks, range.StartingLba, range.LengthBlocks))
            {
                return false;
            }
        }

        return true;
    }

    public static int Count(Command command) => (int)(command.Entry.CommandDword10 & 0xFF) + 1;

    public static bool WantsDeallocation(Command command) => (command.Entry.CommandDword11 & DeallocateBit) != 0;

    public static DatasetManagementRange At(Command command, int index) => ((DatasetManagementRange*)command.Data)[index];
}
