using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class LogPageTests : AdminTestBase
{
    [Fact]
    public void ErrorLog_AfterFailures_HasTheNewestFirst()
    {
        Assert.Equal(NvmeStatus.LbaOutOfRange, RunIo(NvmOpcode.Read, 1 << 30));
        Assert.Equal(NvmeStatus.InvalidOpcode, RunIo((NvmOpcode)0x7F, namespaceId: 5));
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ErrorInformation, 192));
        ReadOnlySpan<ErrorLogEntry> entries = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ErrorLogEntry>(Harness.Host.Bytes(Page, 192));
        Assert.Equal(2ul, entries[0].ErrorCount);
        Assert.Equal(5u, entries[0].NamespaceId);
        Assert.Equal((int)NvmeStatus.InvalidOpcode << 1, entries[0].StatusField);
        Assert.Equal(1ul, entries[1].ErrorCount);
        Assert.Equal(1, entries[1].SubmissionQueueId);
        Assert.Equal(1ul << 30, entries[1].Lba);
        Assert.Equal(0ul, entries[2].ErrorCount);
        Assert.Equal(0xA5, Harness.Host.Bytes(Page + 192, 1)[0]);
    }

    [Fact]
    public void ErrorLog_AfterManyFailures_KeepsTheLast64()
    {
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(NvmeStatus.InvalidOpcode, RunIo((NvmOpcode)0x7F));
        }

        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ErrorInformation, 4096));
        Assert.Equal(100ul, Data<ErrorLogEntry>().ErrorCount);
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ErrorInformation, 64, offset: 63 * 64));
        Assert.Equal(37ul, Data<ErrorLogEntry>().ErrorCount);
    }

    [Fact]
    public void HealthLog_AfterCommands_CountsThem()
    {
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 0, 8));
        }

        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, 0, 16));
        Assert.Equal(NvmeStatus.InvalidOpcode, RunIo((NvmOpcode)0x7F));
        Harness.Now += 2L * 3600 * 1_000_000_000;
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.SmartHealth, 512));
        SmartLog log = Data<SmartLog>();
        Assert.Equal(3ul, log.HostWriteCommands);
        Assert.Equal(1ul, log.HostReadCommands);
        Assert.Equal(1ul, log.DataUnitsRead);
        Assert.Equal(1ul, log.DataUnitsWritten);
        Assert.Equal(1ul, log.ErrorLogEntries);
        Assert.Equal(2ul, log.PowerOnHours);
        Assert.Equal(1ul, log.PowerCycles);
        Assert.Equal(310, log.CompositeTemperatureKelvin);
        Assert.Equal(0, log.CriticalWarning);
    }

    [Fact]
    public void HealthLog_OfAFaultedMedium_Warns()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, media: new SlowMedia(1 << 20) { IsFaulted = true });
        ulong page = harness.AllocatePages(1);
        SubmissionEntry get = ControllerHarness.AdminEntry(AdminOpcode.GetLogPage) with { CommandDword10 = 127 << 16 | 2, Prp1 = page };
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(get).Status);
        Assert.Equal(1 << 2, harness.Host.Bytes(page, 1)[0]);
    }

    [Fact]
    public void HealthLog_AfterAPowerCycleWithoutShutdown_CountsItAsUnsafe()
    {
        Harness.Function.Reset(PcieOe.Protocol.Functions.FunctionResetKind.Conventional, Harness.Now);
        Harness.Enumerate();
        Harness.Enable();
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.SmartHealth, 512));
        Assert.Equal(1ul, Data<SmartLog>().UnsafeShutdowns);
        Harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value | 1 << 14);
        Harness.Function.Reset(PcieOe.Protocol.Functions.FunctionResetKind.Conventional, Harness.Now);
        Harness.Enumerate();
        Harness.Enable();
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.SmartHealth, 512));
        Assert.Equal(1ul, Data<SmartLog>().UnsafeShutdowns);
        Assert.Equal(3ul, Data<SmartLog>().PowerCycles);
    }

    [Fact]
    public void FirmwareLog_OfTheOneSlot_NamesTheRevision()
    {
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.FirmwareSlot, 512));
        Assert.Equal(1, Harness.Host.Bytes(Page, 1)[0]);
        Assert.Equal("0.1.0   "u8.ToArray(), Harness.Host.Bytes(Page + 8, 8).ToArray());
    }

    [Fact]
    public void EffectsLog_OfEveryOpcode_AgreesWithWhatIsAnswered()
    {
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.CommandsSupportedAndEffects, 4096));
        byte[] page = Harness.Host.Bytes(Page, 4096).ToArray();
        for (int opcode = 0; opcode < 256; opcode++)
        {
            bool isSupported = (page[1024 + opcode * 4] & 1) != 0;
            NvmeStatus status = Harness.Run(Io, ControllerHarness.IoEntry((NvmOpcode)opcode, 0, 1, Page) with { CommandDword11 = 0 }).Status;
            Assert.Equal(isSupported, status != NvmeStatus.InvalidOpcode);
        }

        for (int opcode = 0; opcode < 256; opcode++)
        {
            if (opcode is (int)AdminOpcode.AsynchronousEventRequest or (int)AdminOpcode.DeleteSubmissionQueue)
            {
                Assert.Equal(1, page[opcode * 4] & 1);
                continue;
            }

            // All ones in the fields: nothing is changed by it.
            NvmeStatus status = Run((AdminOpcode)opcode, 0xFFFF_FFFF, 0xFFFF_FFFF).Status;
            Assert.Equal((page[opcode * 4] & 1) != 0, status != NvmeStatus.InvalidOpcode);
        }
    }

    [Theory]
    [InlineData(LogPageId.SmartHealth, 512, 512ul, NvmeStatus.Success)]
    [InlineData(LogPageId.SmartHealth, 512, 516ul, NvmeStatus.InvalidField)]
    [InlineData(LogPageId.SmartHealth, 512, 2ul, NvmeStatus.InvalidField)]
    [InlineData(LogPageId.SmartHealth, 512, 1ul << 40, NvmeStatus.InvalidField)]
    [InlineData((LogPageId)0, 512, 0ul, NvmeStatus.InvalidLogPage)]
    [InlineData((LogPageId)7, 512, 0ul, NvmeStatus.InvalidLogPage)]
    [InlineData((LogPageId)0x81, 512, 0ul, NvmeStatus.InvalidLogPage)]
    [InlineData(LogPageId.ErrorInformation, 256 * 1024, 0ul, NvmeStatus.InvalidField)]
    public void LogPage_AskedForWrongly_IsRefused(LogPageId page, int bytes, ulong offset, NvmeStatus expected) =>
        Assert.Equal(expected, GetLog(page, bytes, offset));

    [Fact]
    public void HealthLog_OfOneNamespace_IsRefused() => Assert.Equal(NvmeStatus.InvalidField, GetLog(LogPageId.SmartHealth, 512, namespaceId: 1));

    [Fact]
    public void LogPage_AskedForPastItsEnd_IsFilledWithZeroes()
    {
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.SmartHealth, 1024, offset: 256));
        Assert.Equal(-1, Harness.Host.Bytes(Page + 256, 768).IndexOfAnyExcept((byte)0));
        Assert.Equal(0xA5, Harness.Host.Bytes(Page + 1024, 1)[0]);
    }
}
